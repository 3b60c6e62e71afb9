"""Make a store for every account of a host."""

from __future__ import annotations

import os
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
        if (owner := store.stat().st_uid) != os.geteuid():
            raise StateError(f"{store} belongs to uid {owner}", hint="run this as that account")
        store.chmod(_OPEN)
        for name in (*State, INCOMING):
            (store / name).mkdir(exist_ok=True)
            (store / name).chmod(_OPEN if name == State.APPROVED else _CLOSED)
