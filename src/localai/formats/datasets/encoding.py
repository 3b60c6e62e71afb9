"""How a text is encoded, and the same text as UTF-8, so that one search fits all."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import NamedTuple

from localai.formats.pread import read_at

WINDOW = 1 << 20  # bytes read at once
_HEAD = 4096


class Encoding(NamedTuple):
    """``codec`` is Python's name, ``mark`` the bytes of the byte order mark, ``name`` what people
    call it. A text whose only line ends are carriage returns has them turned (``old_ends``)."""

    codec: str
    name: str
    mark: int = 0
    old_ends: bool = False


# The longer mark stands first where one begins another (Unicode, section 23.8).
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32BE"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16BE"),
)


def find_encoding(fd: int, size: int) -> Encoding:
    """The encoding by the first kilobytes: a mark, or where the zeros stand; else UTF-8, which a
    text without either is taken for until a byte proves otherwise."""
    head = read_at(fd, min(size, _HEAD), 0)
    found = next(
        (
            Encoding(codec, f"{name} with a byte order mark", len(mark))
            for mark, codec, name in _MARKS
            if head.startswith(mark)
        ),
        _find_unmarked(head),
    )
    text = head[found.mark :].decode(found.codec, "replace")
    return found._replace(old_ends="\r" in text and "\n" not in text)


def _find_unmarked(head: bytes) -> Encoding:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) * 4 > len(head):
        little = odd > even
        return Encoding("utf-16-le", "UTF-16LE") if little else Encoding("utf-16-be", "UTF-16BE")
    return Encoding("utf-8", "UTF-8")


def each_piece(fd: int, size: int, encoding: Encoding) -> Iterator[bytes]:
    """The text without its mark, as UTF-8, a window at a time. What claims to be UTF-8 comes as it
    is; of the others, what cannot be decoded becomes U+FFFD. A piece may end inside a character."""
    recode = encoding.codec != "utf-8"
    decoder = codecs.getincrementaldecoder(encoding.codec)("replace")
    for at in range(encoding.mark, size, WINDOW):
        length = min(WINDOW, size - at)
        piece = read_at(fd, length, at)
        if recode:
            piece = decoder.decode(piece, at + length == size).encode()
        yield piece.replace(b"\r", b"\n") if encoding.old_ends else piece
