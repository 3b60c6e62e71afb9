"""How much work a Parquet file may ask for, and what is said when it asks for more."""

from __future__ import annotations

from localai.errors import DocumentError
from localai.formats.format import AGAIN

BOMB = 100  # times its size that a file may unpack to
PAGE = 32 << 20  # bytes of one page, packed and unpacked: of each, one is in memory at a time
_FREE = 16 << 20  # bytes that the smallest file may unpack to


class UnreadError(Exception):
    """A column that is not looked at, or not to its end; the argument says why."""


class Effort:
    """What may still be spent on one file, in bytes that are searched. Whatever takes time without
    having bytes is counted as so many of them."""

    def __init__(self, size: int) -> None:
        self.left = _FREE + BOMB * size

    def spend(self, count: int) -> None:
        """Raises UnreadError if there is not as much left; nothing is, from then on."""
        self.left -= count
        if self.left < 0:
            raise UnreadError("unpacks to too much")


def malformed(found: str) -> DocumentError:
    return DocumentError(f"malformed Parquet: {found}", hint=AGAIN)
