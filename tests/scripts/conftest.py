"""The scripts' own package, and a virtual environment that its tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    """The environment of this run, without what would make pip wait for a network."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_") and name.upper() not in ("HTTP_PROXY", "HTTPS_PROXY")
    }
    return {**kept, "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip and nothing else."""
    folder = tmp_path_factory.mktemp("shared") / ".venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", folder], check=True)
    return folder
