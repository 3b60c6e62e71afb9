"""The virtual environment: made once, made anew when it was left half-made, never a stranger's."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bootstrap.environment import Environment
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return Checkout(tmp_path)


def test_made_once(checkout: Checkout, environ: dict[str, str]) -> None:
    Environment(checkout, environ).make()
    (checkout.venv / "kept").touch()
    again = Environment(checkout, environ)
    assert again.is_made()
    assert not again.is_installed()
    again.make()
    assert (checkout.venv / "kept").exists()


def test_made_anew_after_a_kill(
    checkout: Checkout, environ: dict[str, str], root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "from pathlib import Path; from bootstrap.environment import Environment;"
        "from bootstrap.paths import Checkout;"
        f"Environment(Checkout(Path({str(checkout.root)!r})), {{}}).make()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], env={**environ, "PYTHONPATH": str(root / "scripts")}
    )
    try:
        while not (checkout.venv / "bin").exists():
            assert child.poll() is None
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()
    assert not Environment(checkout, environ).is_made()
    Environment(checkout, environ).make()
    assert "made anew (the last run did not end)" in capfd.readouterr().err
    assert Environment(checkout, environ).is_made()


def test_made_anew_in_a_folder_that_was_moved(
    checkout: Checkout, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    Environment(checkout, environ).make()
    moved = Checkout(tmp_path_factory.mktemp("other") / "moved")
    checkout.root.rename(moved.root)
    assert not Environment(moved, environ).is_made()


def test_a_strangers_environment_that_works_is_taken(
    checkout: Checkout, environ: dict[str, str]
) -> None:
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", checkout.venv], check=True)
    (checkout.venv / "kept").touch()
    Environment(checkout, environ).make()
    assert (checkout.venv / "kept").exists()


@pytest.mark.parametrize("adopted", [False, True])
def test_a_strangers_environment_is_never_removed(
    checkout: Checkout, environ: dict[str, str], adopted: bool
) -> None:
    checkout.venv.mkdir()
    (checkout.venv / "kept").touch()
    if adopted:
        steps = checkout.venv / "localai-steps"
        steps.mkdir()
        for name in ("adopted", "busy"):
            (steps / name).touch()
    with pytest.raises(CannotError, match="not made by these scripts"):
        Environment(checkout, environ).make()
    assert (checkout.venv / "kept").exists()


def test_a_changed_project_is_installed_again(checkout: Checkout, environ: dict[str, str]) -> None:
    environment = Environment(checkout, environ)
    environment.make()
    stamp = checkout.venv / "localai-steps" / "installed"
    stamp.write_text(environment._install_key())
    assert environment.is_installed()
    assert not environment.is_installed("dev")
    checkout.project.write_text("[project]\nname='other'\n")
    assert not environment.is_installed()


def test_an_installation_that_failed_is_not_built_upon(
    checkout: Checkout, environ: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    # pip fails at once: the project names no version.
    checkout.project.write_text("[project]\nname = 'trial'\n")
    offline = {**environ, "PIP_NO_INDEX": "1"}
    Environment(checkout, offline).make()
    with pytest.raises(CannotError, match="pip could not install localai"):
        Environment(checkout, offline).install()
    assert not Environment(checkout, offline).is_made()
    Environment(checkout, offline).make()
    assert "made anew (the last run did not end)" in capfd.readouterr().err
