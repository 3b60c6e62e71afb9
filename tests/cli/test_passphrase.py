"""Passphrases at a real terminal: chosen twice, never shown, wrong ones refused."""

from __future__ import annotations

import os
import pty
import sys
import time
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
PASSPHRASE = "four words nobody guesses"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")
    home = str(tmp_path / "home")
    return {"PYTHONPATH": str(SOURCES), "HOME": str(tmp_path), "LOCALAI_HOME": home,
            "TERM": "dumb", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}  # fmt: skip


def talk(environ: dict[str, str], answers: list[str], *arguments: str) -> tuple[int, str]:
    """Run localai at a terminal of its own; each question (a colon at the end) gets an answer."""
    command = [sys.executable, "-m", "localai", *arguments]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environ)
    said = ""
    waiting = list(answers)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            piece = os.read(terminal, 4096).decode()
        except OSError:  # EIO: the other side is gone
            break
        said += piece
        if said.endswith(": ") and waiting:
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def test_a_key_with_a_passphrase_signs(environ: dict[str, str]) -> None:
    code, said = talk(environ, [PASSPHRASE, PASSPHRASE], "keys", "generate")
    assert code == 0, said
    assert PASSPHRASE not in said
    key = Path(environ["LOCALAI_HOME"]) / "config" / "keys" / "own.pem"
    assert key.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    code, said = talk(environ, [PASSPHRASE], "trust", "init")
    assert code == 0, said
    code, said = talk(environ, [], "manifest", "init", "own")
    assert code == 0, said
    code, said = talk(environ, [PASSPHRASE + "x"], "manifest", "sign")
    assert code == 4, said
    assert "wrong passphrase" in said
    manifests = Path(environ["LOCALAI_HOME"]) / "config" / "manifests"
    assert [path.name for path in manifests.iterdir()] == ["own.yaml"]
    code, said = talk(environ, [PASSPHRASE], "manifest", "sign")
    assert code == 0, said
    assert "1 of 1 signatures" in said
    assert PASSPHRASE not in said


def test_a_wrong_passphrase_approves_nothing(environ: dict[str, str], tiny_model: Path) -> None:
    asked = ["setup", "--label", "sandbox"]
    code, said = talk(environ, [PASSPHRASE] * 4, *asked)
    assert code == 0, said
    home = Path(environ["LOCALAI_HOME"])
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    approve = ("approve", str(tiny_model), "--source", "a/b", "--licence", "MIT", "--yes")
    code, said = talk(environ, [PASSPHRASE + "x"], *approve)
    assert code == 4, said
    assert "error: " in said
    assert "wrong passphrase" in said
    assert "hint: " in said
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    code, said = talk(environ, [PASSPHRASE], *approve)
    assert code == 0, said


@pytest.mark.parametrize(
    ("answers", "problem"),
    [(["short"], "expected 12 or more"), ([PASSPHRASE, "another one, quite"], "differ")],
)
def test_no_key_without_a_good_passphrase(
    environ: dict[str, str], answers: list[str], problem: str
) -> None:
    """Asked for three times."""
    code, said = talk(environ, answers * 3, "keys", "generate")
    assert (code, said.count(problem)) == (2, 3), said
    assert not (Path(environ["LOCALAI_HOME"]) / "config").exists()
