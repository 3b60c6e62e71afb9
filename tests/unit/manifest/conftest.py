"""Fixtures for the tests of manifests, signatures and the root of trust."""

from __future__ import annotations

from pathlib import Path

import pytest
from office import VECTORS, MakeRaw, Office

from localai.manifest.schema import Manifest, parse_manifest
from localai.manifest.write import write_manifest
from localai.places import Places


@pytest.fixture(scope="session")
def office() -> Office:
    return Office()


@pytest.fixture
def manifest() -> Manifest:
    return parse_manifest((VECTORS / "accepted.yaml").read_bytes())


@pytest.fixture
def make_raw(manifest: Manifest) -> MakeRaw:
    """The bytes of the manifest with some fields changed."""

    def make(**changes: object) -> bytes:
        return write_manifest(manifest._replace(**changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "etc", False, tmp_path / "config", tmp_path / "state")
