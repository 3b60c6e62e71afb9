"""How far an artifact in the store has come. The directory that it lies in says so."""

from __future__ import annotations

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
    """The same of a path that has no link in it. The directories are known by what they are, not by
    their names: a bind mount gives them others."""
    known: dict[tuple[int, int] | None, str] = {}
    for directory in ("", *State, INCOMING):
        for store in stores:
            known.setdefault(_identify(store / directory), directory)
    known.pop(None, None)
    for folder in path.parents:
        if (name := known.get(_identify(folder))) is not None:
            directory, *below = Path(name, path.relative_to(folder)).parts
            return Place(directory, below[0] if len(below) > 1 else "")
    return Place()


def _identify(directory: Path) -> tuple[int, int] | None:
    try:
        found = directory.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
