"""How far an artifact in the store has come. The directory that it lies in says so."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

INCOMING = "incoming"
"""The directory of what is still arriving."""


class State(StrEnum):
    """The directories of what is there, from the first to the last."""

    QUARANTINE = "quarantine"
    PROPOSED = "proposed"
    APPROVED = "approved"


class Place(NamedTuple):
    """Where a file lies: in which directory of the store, and in which artifact; both empty for a
    file that lies elsewhere."""

    directory: str = ""
    artifact: str = ""

    @property
    def waits(self) -> bool:
        """True if nothing may run from there, whoever approved it."""
        return self.directory not in ("", State.APPROVED)


def find_place(fd: int, *stores: Path) -> Place:
    """Where in these stores an open file lies. The kernel knows, whatever way led there: a link, a
    path with ``..``. Raises OSError. Source: proc_pid_fd(5).
    """
    return locate(Path(f"/proc/self/fd/{fd}").readlink(), *stores)


def locate(path: Path, *stores: Path) -> Place:
    """The same of a path that has no link in it."""
    for store in (Path(os.path.realpath(one)) for one in stores):
        if path.is_relative_to(store):
            directory, *below = path.relative_to(store).parts
            return Place(directory, below[0] if len(below) > 1 else "")
    return Place()
