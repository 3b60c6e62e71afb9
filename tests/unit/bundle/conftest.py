"""The two hosts, and what is carried from one to the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import FILES, Host, Officer, lists


@pytest.fixture
def officer() -> Officer:
    return Officer()


@pytest.fixture
def staging(tmp_path: Path, officer: Officer) -> Host:
    """A host with an artifact of two files, and the manifest that lists it."""
    (tmp_path / "staging").mkdir()
    host = Host(tmp_path / "staging").trusts(officer.root())
    host.brings()
    return host.has_manifest(officer.manifest(lists(*FILES)))


@pytest.fixture
def sealed(tmp_path: Path, officer: Officer) -> Host:
    """A host that trusts the same officer, and has nothing else."""
    (tmp_path / "sealed").mkdir()
    return Host(tmp_path / "sealed").trusts(officer.root())


@pytest.fixture
def bundle(staging: Host) -> Path:
    return staging.creates()
