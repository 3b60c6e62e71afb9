"""The bytes of a GGUF header, taken in order, and what may be taken at most.

``pread`` and no map: a file that is truncated meanwhile gives an error, not a SIGBUS.
"""

from __future__ import annotations

import os
import struct
from hashlib import sha256
from itertools import repeat
from sys import getsizeof

from localai.errors import DocumentError
from localai.gguf.facts import GgufFile, Seen

MAX_HEADER = 128 << 20  # bytes before the tensors' data; 500,000 tokens with merges take some 25 MB
MAX_TEXT = 4 << 20  # bytes of one string value; chat templates reach 100 kB
MAX_KEPT = 24 << 20  # bytes of memory for what is known of all files of a model
WINDOW = 1 << 18  # bytes read at once
DOWNLOAD = "download the file again and compare its SHA-256 with what the publisher states"
_LENGTH = struct.Struct("<Q")


class Cursor:
    """A bounded reader over ``size`` bytes of ``fd``, through one window of memory."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self.at = 0
        self.kept = 0
        self.elements = 0
        self.window = b""
        self.start = 0
        self._digest = sha256()
        self._windows: list[tuple[int, int]] = []

    @property
    def seen(self) -> Seen:
        """All that was looked at so far."""
        return Seen(tuple(self._windows), self._digest.digest())

    def demand(self, length: int) -> None:
        """Refuse unless ``length`` more bytes are there, and still belong to a header."""
        end = self.at + length
        if end > self.size:
            raise truncated(self.at, length, self.size)
        if end > MAX_HEADER:
            raise malformed(f"a header of more than {MAX_HEADER} bytes")

    def fill(self, wanted: int) -> None:
        """Make the window begin at ``at`` and hold at least ``wanted`` bytes."""
        self.demand(wanted)
        length = min(max(wanted, WINDOW), self.size - self.at)
        self.window, self.start = _read(self.fd, length, self.at), self.at
        if len(self.window) < length:  # the file is shorter than it was when it was opened
            raise truncated(self.at, wanted, self.at + len(self.window))
        self._digest.update(self.window)
        self._windows.append((self.start, length))

    def take(self, length: int) -> bytes:
        begin = self.at - self.start
        if begin < 0 or begin + length > len(self.window):
            self.fill(length)
            begin = 0
        self.at += length
        return self.window[begin : begin + length]

    def keep(self, memory: int) -> None:
        """Count ``memory`` bytes of what outlives the reading."""
        self.kept += memory
        if self.kept > MAX_KEPT:
            raise malformed(f"names and values that take more than {MAX_KEPT} bytes of memory")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def string(self, what: str, limit: int) -> str:
        length = self.u64()
        if length > limit:
            raise malformed(f"{what} of {length} bytes, more than {limit}")
        data = self.take(length)
        if b"\0" in data:  # llama.cpp would end it there, and so see another key, name or text
            raise malformed(f"{what} with a zero byte, at byte {self.at - length}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise malformed(f"{what} that is not UTF-8, at byte {self.at - length}") from error
        self.keep(getsizeof(text))
        return text

    def skip_strings(self, count: int) -> None:
        """Pass over ``count`` length-prefixed strings: the hot loop, twice per token known."""
        self.demand(8 * count)
        unpack = _LENGTH.unpack_from
        strings = repeat(None, count)
        window, begin = self.window, self.at - self.start
        while True:
            try:
                for _ in strings:
                    begin += 8 + unpack(window, begin)[0]
                break
            except (struct.error, OverflowError):  # the next length lies beyond the window
                self.leap(begin)
                self.fill(8)
                window = self.window
                begin = 8 + unpack(window, 0)[0]
        self.leap(begin)

    def leap(self, begin: int) -> None:
        """Go to byte ``begin`` of the window, or so far behind it as one string may reach."""
        self.at = self.start + begin
        self.demand(0)
        if begin > len(self.window) + MAX_TEXT:
            raise malformed(f"a string of more than {MAX_TEXT} bytes in an array")


def reads_alike(fd: int, header: GgufFile) -> bool:
    """Whether ``fd`` holds the very bytes of which ``header`` was read: whoever reads it finds the
    same. Much faster than reading it again. Raises DocumentError if it cannot be read."""
    digest = sha256()
    for start, length in header.seen.windows:
        digest.update(_read(fd, length, start))
    return digest.digest() == header.seen.sha256


def _read(fd: int, length: int, offset: int) -> bytes:
    """So many bytes from ``offset`` on, or all that there are. Raises DocumentError."""
    found = b""
    while len(found) < length:
        try:
            piece = os.pread(fd, length - len(found), offset + len(found))
        except OSError as error:
            raise DocumentError(f"cannot read the file: {error.strerror}") from error
        if not piece:
            break
        found += piece
    return found


def malformed(found: str) -> DocumentError:
    return DocumentError(f"malformed GGUF: {found}", hint=DOWNLOAD)


def truncated(at: int, wanted: int, size: int) -> DocumentError:
    found = f"the header wants {wanted or 'more'} bytes at {at}, the file ends at {size}"
    return DocumentError(f"truncated GGUF: {found}", hint=DOWNLOAD)
