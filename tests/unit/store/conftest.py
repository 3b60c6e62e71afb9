"""A store, and something in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bring import bring
from localai.store.held import Held

CONTENT = b"weights, say"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store"


@pytest.fixture
def held(store: Path) -> Held:
    """An artifact of two files, in quarantine."""
    return bring(store, "tiny", ("one.gguf", CONTENT), ("two.gguf", CONTENT * 2))
