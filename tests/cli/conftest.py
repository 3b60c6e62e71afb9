"""What transcripts run in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A clean environment, in which ``localai`` is the one under test."""
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")
    command = tmp_path / "bin" / "localai"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m localai "$@"\n')
    command.chmod(0o755)
    return {
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"),
        "HOME": str(tmp_path),
        "LOCALAI_HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "TERM": "dumb",
    }
