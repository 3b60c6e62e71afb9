"""start.sh: what it says about a machine that will not do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SHELL_SCRIPTS = (
    "scripts/quickstart",
    "scripts/test",
    "scripts/wheelhouse",
    "scripts/bootstrap/start.sh",
    ".ci/run",
)


def put(folder: Path, name: str, body: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with what start.sh itself needs, on which a test puts the rest."""
    for name in ("sh", "dirname", "uname"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    return tmp_path


def start(root: Path, machine: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "sh", root / "scripts" / "quickstart", "--help"],
        env={"PATH": str(machine), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_another_system_is_refused(root: Path, machine: Path) -> None:
    (machine / "uname").unlink()
    put(machine, "uname", "echo Darwin")
    answer = start(root, machine)
    assert answer.returncode == 4
    assert "needs Linux" in answer.stderr
    assert "this is Darwin" in answer.stderr


def test_no_python_is_said(root: Path, machine: Path) -> None:
    answer = start(root, machine)
    assert answer.returncode == 4
    assert "no Python 3.11 or newer" in answer.stderr
    assert "hint:" in answer.stderr


def test_an_old_python_is_none(root: Path, machine: Path) -> None:
    put(machine, "python3", "exit 1")
    answer = start(root, machine)
    assert answer.returncode == 4
    assert "no Python 3.11 or newer" in answer.stderr


def test_a_python_without_ensurepip_is_named(root: Path, machine: Path) -> None:
    put(machine, "python3", 'case "$*" in *ensurepip*) exit 1;; esac')
    answer = start(root, machine)
    assert answer.returncode == 4
    assert "python3 cannot make a virtual environment" in answer.stderr
    assert "python3-venv" in answer.stderr


def test_the_python_that_is_named_comes_first(root: Path, machine: Path) -> None:
    put(machine, "python3", "exit 1")
    put(machine, "mine", 'case "$*" in *bootstrap*) echo "$@";; esac')
    answer = start(root, machine, PYTHON=str(machine / "mine"))
    assert answer.returncode == 0
    assert "-m bootstrap quickstart --help" in answer.stdout


@pytest.mark.parametrize("script", ["quickstart", "wheelhouse", "test"])
def test_help_works_before_anything_is_installed(root: Path, tmp_path: Path, script: str) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(root / "scripts", copy / "scripts")
    answer = subprocess.run(
        [copy / "scripts" / script, "--help"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert f"usage: scripts/{script}" in answer.stdout
    assert sorted(path.name for path in copy.iterdir()) == ["scripts"]


def test_an_unknown_option_is_a_usage_error(root: Path) -> None:
    answer = subprocess.run(
        [root / "scripts" / "quickstart", "--no-such"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "--no-such" in answer.stderr


def test_a_model_that_is_not_there_stops_before_anything_starts(root: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [root / "scripts" / "quickstart", "--model", tmp_path / "none.gguf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 4
    assert "none.gguf is no file" in answer.stderr


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
def test_shellcheck_finds_nothing(root: Path, script: str) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    answer = subprocess.run(
        ["shellcheck", root / script], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout
