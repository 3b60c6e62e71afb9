"""Files that are two things at once: a GGUF to llama.cpp, and something else to another program.

Only formats whose readers do not insist on the first byte can hide in a GGUF: no ELF, PE, image or
web page can, since "GGUF" stands there. (Commands in its texts are noted by ``text``.) Each is
looked for where its own readers look: ZIP (also JAR, Office, Python's zipapp) from the end (APPNOTE
4.3.16), PDF in the first 1,024 bytes, RAR and 7z behind a program of up to 2 MiB and 1 MiB, ISO
9660 and tar at fixed places.
"""

from __future__ import annotations

import os

from localai.findings import Finding
from localai.gguf.finding import expose
from localai.gguf.layout import CHECK

_FRONT = 2 << 20
_END_RECORD = b"PK\x05\x06"
_END_SIZE = 22
_MOST_COMMENT = 65_535
_CENTRAL = b"PK\x01\x02"
_WIDE = b"PK\x06\x07"  # ZIP64's locator stands before the end record
_ANYWHERE = (  # name, signature, how far its readers search
    ("a PDF document", b"%PDF-", 1024),
    ("a RAR archive", b"Rar!\x1a\x07", _FRONT),
    ("a 7z archive", b"7z\xbc\xaf\x27\x1c", 1 << 20),
)
_FIXED = (
    ("a tar archive", b"ustar", 257),
    *(("a disc image", b"CD001", sector * 2048 + 1) for sector in (16, 17, 18)),
)


def find_polyglot(fd: int, size: int) -> list[Finding]:
    """What else the ``size`` bytes of ``fd`` are; at most some 2 MiB of them are read."""
    front = os.pread(fd, _FRONT, 0)
    names = [name for name, sign, reach in _ANYWHERE if sign in front[:reach]]
    names += [name for name, sign, at in _FIXED if front.startswith(sign, at)]
    if _ends_like_a_zip(fd, size):
        names.append("a ZIP archive")
    if not names:
        return []
    evidence = f"the same bytes are {' and '.join(dict.fromkeys(names))}"
    return [expose(CHECK, "two formats in one file", evidence)]


def _ends_like_a_zip(fd: int, size: int) -> bool:
    """Whether some end record is followed by no more than a comment, and its directory lies
    before it: four bytes alone come up by chance in weights."""
    length = min(size, _END_SIZE + _MOST_COMMENT)
    tail = os.pread(fd, length, size - length)
    at = tail.find(_END_RECORD)
    while 0 <= at <= len(tail) - _END_SIZE:
        directory = int.from_bytes(tail[at + 12 : at + 16], "little")
        place = size - len(tail) + at - directory
        first = os.pread(fd, 4, place) if place >= 0 else b""
        if first == _CENTRAL or tail[max(0, at - 20) : at].startswith(_WIDE):
            return True
        at = tail.find(_END_RECORD, at + 1)
    return False
