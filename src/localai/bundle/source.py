"""A bundle's bytes, in their order, from a file, or from a pipe that is read once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localai.errors import DocumentError, StateError

STDIN = Path("-")
_PIECE = 1 << 20  # bytes that are passed over at once, where nothing can be skipped


class Source:
    """An open bundle, and how far it was read."""

    __slots__ = ("_fd", "_path", "_skips", "done")

    def __init__(self, fd: int, path: Path) -> None:
        self._fd, self._path = fd, path
        self._skips = stat.S_ISREG(os.fstat(fd).st_mode)
        self.done = 0

    def read_into(self, target: memoryview) -> None:
        """Fill ``target``. Raises DocumentError if the bundle ends before, StateError if it cannot
        be read (any more)."""
        filled = 0
        while filled < len(target):
            got = self._read(target[filled:])
            if not got:
                raise DocumentError(f"it ends after {self.done + filled} bytes")
            filled += got
        self.done += filled

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises like :meth:`read_into`."""
        found = bytearray(size)
        self.read_into(memoryview(found))
        return bytes(found)

    def skip(self, size: int) -> None:
        """Pass over bytes that need not be looked at. Raises like :meth:`read_into`."""
        if self._skips:
            self.done += size
            os.lseek(self._fd, size, os.SEEK_CUR)
            return
        buffer = memoryview(bytearray(min(size, _PIECE)))
        for start in range(0, size, _PIECE):
            self.read_into(buffer[: min(_PIECE, size - start)])

    def has_more(self) -> bool:
        """True unless this is the end. Raises StateError."""
        return self._read(memoryview(bytearray(1))) > 0

    def _read(self, target: memoryview) -> int:
        try:
            return os.readv(self._fd, [target])
        except OSError as error:
            raise _cannot("read", self._path, error) from error


@contextmanager
def opening(path: Path) -> Iterator[Source]:
    """Open a bundle: a file, a pipe, or stdin. Raises StateError."""
    try:
        fd = os.dup(0) if path == STDIN else os.open(path, os.O_RDONLY)
        kind = os.fstat(fd).st_mode
    except OSError as error:
        raise _cannot("open", path, error) from error
    try:
        if stat.S_ISDIR(kind) or stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
            raise StateError(f"{path} is no file and no pipe", hint="name the bundle")
        yield Source(fd, path)
    finally:
        os.close(fd)


def _cannot(what: str, path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot {what} {path}: {error.strerror}",
        hint="see that what it lies on is still there; an import goes on where it broke off",
    )
