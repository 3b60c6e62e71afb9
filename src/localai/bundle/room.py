"""Write large files: see first that there is room, and let the disk work while more comes."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from localai.errors import StateError
from localai.hardware import show_bytes

_BLOCK = 512  # bytes: where something is written directly, and how much, is a multiple of it


def check_free(directory: Path, size: int) -> None:
    """See that ``size`` bytes can still be written. Raises StateError, OSError."""
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize
    if free < size:
        raise StateError(
            f"{directory} has {show_bytes(free)} free, and {show_bytes(size)} are needed",
            hint="free some space there, or write it somewhere else",
        )


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write all of ``content``. Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(fd, left) :]


def write_directly(fd: int, content: memoryview) -> None:
    """Write all of ``content``, which begins on a page of memory, past the page cache where the
    file system has a way: the disk takes it while the piece before is hashed, and a flush at the
    end finds nothing to do. Raises OSError. Source: open(2), O_DIRECT."""
    written, whole = 0, len(content) - len(content) % _BLOCK
    if whole and os.lseek(fd, 0, os.SEEK_CUR) % _BLOCK == 0:
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        with suppress(OSError):  # there is no such way, or it is said again below
            fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT)
            written = os.write(fd, content[:whole])
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)
    write_all(fd, content[written:])
