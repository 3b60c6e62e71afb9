"""What commands run in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from home import Home
from transcript import put_command

import hub as hubs
from localai.sandbox import kernel


@pytest.fixture
def subreaper() -> Iterator[None]:
    """Processes that a command leaves behind come to this one, where a test can see them."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    yield
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_bytes: bytes) -> Home:
    """A home in which a tiny model was approved."""
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")
    place = tmp_path_factory.mktemp("home")
    model = place / "tiny.gguf"
    model.write_bytes(tiny_bytes)
    return Home(place, model)


@pytest.fixture
def moved(home: Home, tmp_path: Path) -> Home:
    """A home of its own for every test."""
    moved = home.copy(tmp_path)
    moved.call("check", str(moved.model), check=True)
    return moved


@pytest.fixture
def hub(tiny_bytes: bytes) -> Iterator[hubs.Hub]:
    """A hub on loopback with two tiny models, and a set of two files that are none."""
    models = {"tiny.gguf": tiny_bytes, "small.gguf": tiny_bytes[:-1] + b"\x02"}
    parts = {f"Q4/big-0000{part}-of-00002.gguf": b"%d" % part * 1000 for part in (1, 2)}
    with hubs.running({**models, **parts}) as hub:
        yield hub


@pytest.fixture
def environ(tmp_path: Path, hub: hubs.Hub) -> dict[str, str]:
    """A clean environment, in which ``localai`` is the one under test, and HUB a hub's address."""
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")
    commands = put_command(tmp_path / "bin", "-m", "localai")
    bring = commands / "bring"
    program = Path(__file__).resolve().parents[1] / "bring.py"
    bring.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    bring.chmod(0o755)
    return {
        "PATH": f"{commands}:/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"),
        "HOME": str(tmp_path),
        "LOCALAI_HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "TERM": "dumb",
        "HUB": hub.url,
    }
