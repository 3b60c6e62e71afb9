"""Who may look into a store, and whose files lie in it.

A store for every account of a host is theirs to read where it is approved, and its keeper's to
change. Its directories keep what waits from everybody else, so that a step stays one rename: all
its files can be read by whoever reaches them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.custody import SYSTEM_UIDS
from localai.errors import StateError, UsageError
from localai.store.state import State


class Modes(NamedTuple):
    """The modes of an artifact's directory and of its files: nobody means to change what a digest
    names."""

    directory: int
    file: int


def is_shared(store: Path) -> bool:
    """Whether a store is open to other accounts. Raises StateError if it cannot be seen."""
    found = _look_at(store)
    return found is not None and bool(found.st_mode & stat.S_IXOTH)


def find_modes(store: Path) -> Modes:
    """What an artifact in this store has. Raises StateError."""
    return Modes(0o755, 0o444) if is_shared(store) else Modes(0o700, 0o400)


def list_states(store: Path) -> tuple[State, ...]:
    """The states that this account may look at. Raises StateError."""
    found = _look_at(store)
    closed = found and is_shared(store) and os.geteuid() not in (0, found.st_uid)
    return (State.APPROVED,) if closed else tuple(State)


def find_keepers(store: Path) -> frozenset[int]:
    """Whose files may lie in a store: root's, and this account's, or, where an account of the
    system opens its store to others, that account's. Raises StateError."""
    found = _look_at(store)
    opened = found and is_shared(store) and found.st_uid in SYSTEM_UIDS
    return frozenset({0, found.st_uid if found and opened else os.geteuid()})


def refuse_others(store: Path) -> None:
    """Raise UsageError for a store that others can change: a link that somebody left in it would
    have another folder changed, or cleared. StateError if it cannot be seen."""
    found = _look_at(store)
    if found is None:
        return
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.geteuid() or others or not stat.S_ISDIR(found.st_mode):
        raise UsageError(
            f"{store} is no store of this account's, or others may write to it",
            hint=f"work on it as the account that keeps it: ls -ld {quote(str(store))}",
        )


def _look_at(store: Path) -> os.stat_result | None:
    try:
        return store.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StateError(
            f"cannot read {store}: {error.strerror}", hint=f"ls -ld {store.parent}"
        ) from error
