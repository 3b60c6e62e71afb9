"""Read pieces of an open file at their place: no map, so that a file that is cut meanwhile gives an
error and no SIGBUS."""

from __future__ import annotations

import os

from localai.errors import DocumentError


def read_at(fd: int, length: int, offset: int) -> bytes:
    """Exactly ``length`` bytes from ``offset``. Raises DocumentError if they are not there."""
    found = bytearray()
    while len(found) < length:
        try:
            piece = os.pread(fd, length - len(found), offset + len(found))
        except OSError as error:
            raise DocumentError(
                f"cannot read the file: {error.strerror}", hint="check the disk, then try again"
            ) from error
        if not piece:
            raise DocumentError(
                f"the file ends at byte {offset + len(found)}, while it is read; "
                f"expected {length} bytes from {offset}",
                hint="let whatever writes to it finish, and look again",
            )
        found += piece
    return bytes(found)
