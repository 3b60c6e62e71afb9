"""Bytes on their way: read by one thread, which also writes them, and hashed by another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from mmap import mmap
from typing import Protocol

from localai.hashing import Progress

_PIECE = 1 << 20  # bytes read at once, and enough for a disk to be asked for in one go
_AHEAD = 8  # pieces that may wait to be hashed


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def pass_through(
    size: int,
    read: Callable[[memoryview], object],
    write: Callable[[memoryview], object],
    report: Progress,
    digest: Hash | None = None,
) -> str:
    """Read ``size`` bytes, write them, and return the digest over what ``digest`` has seen and
    over them.

    ``read`` fills the buffer that it is given, or raises; ``write`` gets the same buffer, which
    begins on a page of memory.
    ``report`` is called with the bytes done so far.
    """
    digest = digest or sha256()
    buffers = [memoryview(mmap(-1, _PIECE)) for _ in range(_AHEAD)]
    hashed: list[Future[None] | None] = [None] * _AHEAD
    with ThreadPoolExecutor(1) as beside:
        for number, start in enumerate(range(0, size, _PIECE)):
            slot = number % _AHEAD
            if waiting := hashed[slot]:
                waiting.result()
            piece = buffers[slot][: min(_PIECE, size - start)]
            read(piece)
            hashed[slot] = beside.submit(digest.update, piece)
            write(piece)
            report(start + len(piece))
    return digest.hexdigest()
