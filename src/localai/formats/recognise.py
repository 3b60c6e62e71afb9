"""Say what a file is: by what stands in it, and only then by its name."""

from __future__ import annotations

import re
from pathlib import PurePath

from localai.formats import refused
from localai.formats.format import DATASETS, Format, Kind
from localai.formats.pread import read_at

HEAD = 4096  # bytes looked at from the beginning
WRITTEN = 1 << 20  # bytes in which a pickle that looks like text must have called something
TAIL = 22 + 0xFFFF  # bytes looked at from the end: a ZIP archive's last record, with its comment

GGUF = Format(Kind.GGUF, "GGUF")
SAFETENSORS = Format(Kind.SAFETENSORS, "safetensors")
PARQUET = Format(Kind.PARQUET, "Parquet")
JSONL = Format(Kind.JSONL, "JSONL")
JSON = Format(Kind.JSON, "JSON document")
CSV = Format(Kind.CSV, "CSV")
TSV = Format(Kind.CSV, "TSV")
TEXT = Format(Kind.TEXT, "plain text")

_TEXTS = {
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
}
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype html|html|head|body)\b", re.I)
# Protocols 0 and 1 have no first byte of their own: a container with its memo. (Calls: _is_pickle.)
_OLD_PICKLE = re.compile(rb"\([dl]p\d+\n|[}\]]q\x00")
_LOOKS = (
    (_WEB_PAGE, refused.WEB_PAGE),
    (_OLD_PICKLE, refused.PICKLE),
    (re.compile(rb"A\n[23]\n\d{5,9}\n"), refused.R_DATA),
)
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # byte order marks
_WRITTEN = frozenset(b"()]}FILNSVcdl")  # what a pickle of letters alone can begin with
_CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})


def recognise(fd: int, size: int, name: str) -> Format:
    """What the ``size`` bytes behind ``fd``, which must allow ``pread``, are; ``name`` is the
    file's. Looks at some kilobytes of them. Raises DocumentError if the file became shorter.
    """
    if not size:
        return refused.EMPTY
    head = read_at(fd, min(size, HEAD), 0)
    ending = PurePath(name).suffix.lower()
    found = _by_content(head, size, ending)
    if found is None and head[0] in _WRITTEN and _is_pickle(fd, size):
        found = refused.PICKLE
    if found is None:
        found = _by_name(head, ending)
    if found.kind in (Kind.REFUSED, Kind.GGUF):  # GGUF's own reader looks for other formats
        return found
    return refused.is_two_things(found) if _ends_as_zip(fd, size) else found


def recognise_dataset(fd: int, size: int, name: str) -> Format | None:
    """The same for data; None for everything else. What is called a model and is none is a broken
    model, and no text."""
    found = recognise(fd, size, name)
    named = PurePath(name).suffix.lower() == ".gguf"
    return found if found.kind in DATASETS and not named else None


def _by_content(head: bytes, size: int, ending: str) -> Format | None:
    if head.startswith(b"GGUF"):
        return GGUF
    if head.startswith(b"PAR1") and _count_controls(head):
        return PARQUET
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _name_zip(head, ending)
    if head.startswith(b"\x93NUMPY"):
        return refused.NUMPY_OBJECTS if re.search(rb"\|?O[0-9]?['\"]", head) else refused.NUMPY
    if head[257:262] == b"ustar":
        return refused.NEMO if ending == ".nemo" else refused.TAR
    if head[4:8] == b"TFL3":
        return refused.TFLITE
    if head[8:9] == b"{" and 0 < int.from_bytes(head[:8], "little") <= size - 8:
        return SAFETENSORS
    if (head[0] == 0x80 and b"joblib" in head) or (ending == ".z" and head.startswith(_ZLIB)):
        return refused.JOBLIB
    for look, found in _LOOKS:
        if look.match(head):
            return found
    if any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048)):
        return refused.HDF5
    begins = next((found for start, found in refused.BEGINNINGS if head.startswith(start)), None)
    letters = head[:2] in (b"MZ", b"BZ", b"OR")  # which a text may begin with as well
    return None if letters and not _count_controls(head) else begins


def _is_pickle(fd: int, size: int) -> bool:
    """Protocol 0 needs no byte that a text has not, and may begin with anything that is thrown away
    again: it is known by being read, as far as the first call."""
    from localai.formats.pickles import calls_something

    return calls_something(read_at(fd, min(size, WRITTEN), 0))


def _name_zip(head: bytes, ending: str) -> Format:
    """A ZIP archive by its first member, whose name stands 30 bytes into it (PKWARE's APPNOTE,
    section 4.3.7), else by the file's own name."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first.endswith(b".pkl") or ending in (".pt", ".pth", ".bin", ".ckpt"):
        return refused.TORCH
    if first.endswith(b".npy") or ending == ".npz":
        return refused.NUMPY_ZIP
    if ending == ".keras" or first.endswith((b"model.weights.h5", b"metadata.json")):
        return refused.KERAS
    if first in (b"[Content_Types].xml", b"mimetype", b"_rels/.rels"):
        return refused.WORKBOOK
    return refused.ZIP


def _by_name(head: bytes, ending: str) -> Format:
    if ending in refused.ENDINGS:
        return refused.ENDINGS[ending]
    if ending == ".safetensors":
        return SAFETENSORS  # its reader says what is wrong with it
    if ending == ".parquet":
        return PARQUET
    if _is_binary(head):
        return refused.UNKNOWN
    if ending in _TEXTS:
        return _TEXTS[ending]
    return _by_look(head, ending)


def _by_look(head: bytes, ending: str) -> Format:
    """JSON is known by its look, whatever its name; what looks like nothing is plain text."""
    text = head.removeprefix(_MARKS[0]).lstrip()
    first = text.split(b"\n", 1)[0].rstrip()
    cut = len(head) == HEAD and first == text.rstrip()
    if first.startswith(b"{") and (first.endswith(b"}") or cut):
        return JSONL
    return JSON if ending == ".json" else TEXT


def _is_binary(head: bytes) -> bool:
    """Text has hardly any control characters but white space; each is worth a note, many make it
    none. In UTF-16 half of the bytes may be zero: it begins with a mark, or all are on one side."""
    if head.startswith(_MARKS):
        return False
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) * 4 > len(head):
        return False
    return _count_controls(head) * 16 > len(head)


def _count_controls(head: bytes) -> int:
    return len(head) - len(head.translate(None, _CONTROLS))


def _ends_as_zip(fd: int, size: int) -> bool:
    """Whether the file ends in a ZIP archive's last record, which is where one is found from
    (APPNOTE, section 4.3.16): the record's comment must reach exactly to the end."""
    tail = read_at(fd, min(size, TAIL), max(0, size - TAIL))
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        comment = tail[at + 20 : at + 22]
        if len(comment) == 2 and at + 22 + int.from_bytes(comment, "little") == len(tail):
            return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False
