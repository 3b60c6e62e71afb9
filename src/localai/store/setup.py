"""Make a store for every account of a host."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from localai.errors import StateError
from localai.store.state import INCOMING, State
from localai.store.steps import acting

_OPEN, _CLOSED = 0o755, 0o700


def make_shared(store: Path) -> None:
    """Make it, with the folders above it that are missing; what is there already gets the rights
    that it should have. Raises StateError."""
    with acting(f"make {store}"):
        for folder in (*reversed(store.parents), store):
            if not folder.exists():
                folder.mkdir()
                folder.chmod(_OPEN)
        _refuse_others(store)
        store.chmod(_OPEN)  # from here on nobody else puts anything there
        folders = [store / name for name in (*State, INCOMING)]
        for folder in folders:
            if os.path.lexists(folder):
                _refuse_others(folder)
        for folder in folders:
            folder.mkdir(exist_ok=True)
            folder.chmod(_OPEN if folder.name == State.APPROVED else _CLOSED)


def _refuse_others(folder: Path) -> None:
    """Raise StateError for what is no directory of this account's: a link that somebody left there
    would have the rights of another folder changed."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise StateError(f"{folder} is no directory", hint=f"look at it: ls -la {folder.parent}")
    if found.st_uid != os.geteuid():
        raise StateError(f"{folder} belongs to uid {found.st_uid}", hint="run this as that account")
