"""Write large files: see first that there is room, and let the disk begin while more comes."""

from __future__ import annotations

import os
from pathlib import Path

from localai.errors import StateError
from localai.hardware import show_bytes

_BEHIND = 64 << 20  # bytes from one nudge to the next


def make_room(directory: Path, size: int) -> None:
    """See that ``size`` bytes can still be written. Raises StateError, OSError."""
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize
    if free < size:
        raise StateError(
            f"{directory} has {show_bytes(free)} free, and {show_bytes(size)} are needed",
            hint="free some space there; localai store gc, localai store remove NAME",
        )


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write all of ``content``, and now and then have the disk begin with what was written: then
    flushing it at the end is soon done. Raises OSError. Source: posix_fadvise(2), which writes
    changed pages out before it would let them go."""
    left = memoryview(content)
    while left:
        left = left[os.write(fd, left) :]
    done = os.lseek(fd, 0, os.SEEK_CUR)
    if done % _BEHIND < len(content):
        os.posix_fadvise(fd, max(0, done - _BEHIND), _BEHIND, os.POSIX_FADV_DONTNEED)
