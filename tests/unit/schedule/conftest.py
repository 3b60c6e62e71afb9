"""A host on which nothing can be scheduled by accident: every directory is the test's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from localai.places import Places
from localai.schedule.ground import Ground


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """No systemd runs here, and no program of the host's but those that only check is known."""
    places = Places(tmp_path / "none", False, tmp_path / "config" / "localai", tmp_path / "state")
    return Ground(
        account="pat",
        user=False,
        units=tmp_path / "units",
        moved=False,
        places=places,
        environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "UTC"},
        systemctl="/nonexistent/systemctl",
        systemd_analyze=shutil.which("systemd-analyze") or "",
        program=("/bin/sh", "-P", "-m", "localai", "selftest"),  # this checkout may lie in /tmp
    )


@pytest.fixture
def checker(ground: Ground) -> str:
    """systemd's own judge of units and calendar expressions."""
    if not ground.systemd_analyze:
        pytest.skip("systemd-analyze is not installed")
    return ground.systemd_analyze
