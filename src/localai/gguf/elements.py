"""The elements of arrays too long to be kept: tokens, merges, scores, types."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from localai.errors import DocumentError
from localai.gguf.facts import Array
from localai.gguf.types import SCALARS

WINDOW = 1 << 18  # bytes read at once; a multiple of every number's size

_unpack_length = struct.Struct("<Q").unpack_from


def each_batch(fd: int, array: Array) -> Iterator[list[bytes]]:
    """The strings of ``array``, which ``read_gguf`` found in ``fd``, in lists of some thousand.
    They need not be UTF-8.

    One window and one string are in memory at a time. Raises DocumentError if the file is no
    longer what it was.
    """
    found = 0
    window = b""
    for piece in each_window(fd, array):
        window += piece
        strings: list[bytes] = []
        append = strings.append
        start = begin = 0
        try:
            while True:
                end = begin + 8 + _unpack_length(window, begin)[0]
                append(window[begin + 8 : end])
                start, begin = begin, end
        except (struct.error, OverflowError):  # the next length lies beyond the window
            pass
        if begin > len(window):  # the last string is cut off
            strings.pop()
            begin = start
        window = window[begin:]
        found += len(strings)
        yield strings
    if window or found != array.length:
        raise _changed(array.offset + array.size)


def find_number(fd: int, array: Array, number: int) -> Iterator[int]:
    """The places, from 0, at which ``number`` stands in ``array``; quick where it is rare.

    Raises DocumentError if the file is shorter than it was.
    """
    code = SCALARS[array.kind][1:]
    size = struct.calcsize(f"<{code}")
    before = 0
    for piece in each_window(fd, array):
        numbers = struct.unpack(f"<{len(piece) // size}{code}", piece)
        at = -1
        for _ in range(numbers.count(number)):
            at = numbers.index(number, at + 1)
            yield before + at
        before += len(numbers)


def each_window(fd: int, array: Array) -> Iterator[bytes]:
    """The bytes of ``array``, with the lengths before strings: for whoever looks for a pattern.

    Raises DocumentError if the file is shorter than it was, OSError if it cannot be read.
    """
    end = array.offset + array.size
    for at in range(array.offset, end, WINDOW):
        wanted = min(WINDOW, end - at)
        piece = os.pread(fd, wanted, at)
        if len(piece) < wanted:
            raise _changed(at)
        yield piece


def _changed(at: int) -> DocumentError:
    return DocumentError(
        f"the file changed while it was read, before byte {at}", hint="leave the file as it is"
    )
