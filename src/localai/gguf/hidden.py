"""Bytes of a file that belong to nothing in it: padding that is none, and what follows the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

from localai.findings import Finding
from localai.gguf.facts import GgufFile
from localai.gguf.finding import expose
from localai.gguf.layout import CHECK, padded_ends

MOST = 64 << 20  # bytes behind the last tensor that are looked at
_PIECE = 1 << 20


def find_hidden(fd: int, file: GgufFile) -> list[Finding]:
    """Everything outside the header and the tensors must be zero: a place for other things is a
    place to hide them. llama.cpp passes over all of it."""
    end = file.data_offset if not file.tensors else list(padded_ends(file))[-1][1]
    if file.size - end > MOST:
        evidence = f"{file.size - end} bytes follow the last tensor, more than {MOST}"
        return [expose(CHECK, "bytes behind the end", evidence)]
    for begin, finish in (*_paddings(file), (end, file.size)):
        at = _first_used(fd, begin, min(finish, file.size))
        if at is not None:
            where = "behind the last tensor" if begin == end else "in the padding"
            evidence = f"byte {at}, {where}, is not zero and belongs to nothing"
            return [expose(CHECK, "hidden bytes", evidence)]
    return []


def _paddings(file: GgufFile) -> Iterator[tuple[int, int]]:
    yield file.header_end, file.data_offset
    for tensor, end in padded_ends(file):
        yield tensor.offset + tensor.size, end


def _first_used(fd: int, begin: int, end: int) -> int | None:
    """The first byte that is not zero, or None."""
    while begin < end:
        piece = os.pread(fd, min(_PIECE, end - begin), begin)
        if not piece:
            return None
        if piece.count(0) != len(piece):
            return begin + len(piece) - len(piece.lstrip(b"\0"))
        begin += len(piece)
    return None
