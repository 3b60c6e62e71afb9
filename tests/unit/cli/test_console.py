"""What meets the person who watches: progress, streams, and questions that nobody can answer."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from localai.cli import console
from localai.errors import UsageError

SLOW = """
import time
from localai.cli import console
with console.progress("hashing", 200) as report:
    report(10)
    time.sleep(0.6)
    report(100)
    report(150)
"""


def watch(term: str) -> str:
    """What a terminal of this kind shows of something slow."""
    controller, terminal = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", SLOW],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "TERM": term, "COLUMNS": "60"},
        stderr=terminal,
        check=True,
    )
    os.close(terminal)
    shown = os.read(controller, 4096).decode()
    os.close(controller)
    return shown


def test_progress_on_a_terminal_is_a_bar_that_goes_away() -> None:
    shown = watch("xterm")
    assert "hashing [" in shown and "50%" in shown and "75%" in shown
    assert "  5%" not in shown  # what is quick is not shown at all
    assert shown.endswith("\r")


def test_progress_on_a_dumb_terminal_is_lines() -> None:
    assert watch("dumb").split("\r\n") == ["hashing: 50%", "hashing: 75%", ""]


def test_nobody_watches_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    with console.progress("hashing", 100) as report:
        report(100)
    assert capfd.readouterr() == ("", "")


def test_nobody_to_ask_is_a_wrong_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError) as caught:
            console.ask("which licence", option="--licence")
        assert "--licence" in caught.value.hint
        with pytest.raises(UsageError):
            console.ask_passphrase("passphrase")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError):
        console.confirm("really?")


def test_json_is_ascii(capfd: pytest.CaptureFixture[str]) -> None:
    console.print_json({"name": "Größe\u202e\x1b"})
    assert capfd.readouterr().out.isascii()
