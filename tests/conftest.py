"""Models for the tests: one that the project has never seen, and the demo model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import gguf_maker
from model_signing_peer import ModelSigning, find_model_signing

DEMO = ".localai-demo"


@pytest.fixture(scope="session")
def tiny_bytes() -> bytes:
    """A whole, tiny llama with random weights."""
    return gguf_maker.make_model()


@pytest.fixture
def tiny_model(tmp_path: Path, tiny_bytes: bytes) -> Path:
    """The same as a file."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny_bytes)
    return path


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The demo model: ``LOCALAI_TEST_MODEL``, or what ``scripts/test`` brought."""
    given = os.environ.get("LOCALAI_TEST_MODEL")
    if given:
        return Path(given)
    root = Path(__file__).resolve().parent.parent
    found = sorted((root / DEMO / "models").glob("*.gguf"))
    if not found:
        pytest.skip("no demo model: set LOCALAI_TEST_MODEL, or run scripts/test")
    return found[0]


@pytest.fixture(scope="session")
def engine_source() -> Path:
    """llama.cpp's ``models/`` and ``tests/``, as the engine's source package carries them:
    ``LOCALAI_TEST_ENGINE_SOURCE``, or what ``scripts/test`` brought."""
    given = os.environ.get("LOCALAI_TEST_ENGINE_SOURCE")
    if given:
        return Path(given)
    brought = Path(__file__).resolve().parent.parent / DEMO / "engine-source"
    if not brought.is_dir():
        pytest.skip("no engine source: set LOCALAI_TEST_ENGINE_SOURCE, or run scripts/test")
    return brought


@pytest.fixture(scope="session")
def model_signing(tmp_path_factory: pytest.TempPathFactory) -> ModelSigning:
    """Somebody else's program for bundles, as ``scripts/test`` brought it."""
    return find_model_signing(tmp_path_factory.mktemp("peer"))
