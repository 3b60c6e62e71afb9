"""Progress: a line that ticks on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bootstrap.commands import run_logged
from bootstrap.screen import LINE_PAUSE, LIVE_PAUSE, Step


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def run_step(live: bool, seconds: list[float]) -> str:
    clock, stream = Clock(), io.StringIO()
    step = Step("engine", stream=stream, live=live, clock=clock)
    for now in seconds:
        clock.now = now
        step.tick("compiling")
    step.end("compiled")
    return stream.getvalue()


def test_elsewhere_a_line_now_and_then_and_no_control_character() -> None:
    shown = run_step(False, [0.1, 1.0, LINE_PAUSE, LINE_PAUSE + 1])
    assert shown.splitlines() == [
        f"  engine       compiling, {LINE_PAUSE:.0f} s",
        f"  engine       compiled, {LINE_PAUSE + 1:.0f} s",
    ]
    assert shown.isprintable() is False
    assert not set(shown) & {"\r", "\x1b"}


def test_on_a_terminal_one_line_that_ticks() -> None:
    shown = run_step(True, [LIVE_PAUSE, 1.0, 2.0])
    assert shown.count("\n") == 1
    assert "compiling, 1 s" in shown
    assert shown.endswith("\r\x1b[K  engine       compiled, 2 s\n")


def test_what_is_instant_shows_no_seconds() -> None:
    assert run_step(False, []) == "  engine       compiled\n"


PROGRAM = """
import os, signal, subprocess, sys, time
from pathlib import Path
from bootstrap.commands import run_logged
from bootstrap.screen import Step

class InterruptedAtOnce(subprocess.Popen):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        while not Path("started").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

command, *at_once = sys.argv[1:]
signal.signal(signal.SIGTERM, signal.default_int_handler)
subprocess.Popen = InterruptedAtOnce if at_once else subprocess.Popen
run_logged(["sh", "-c", command], log=Path("log"), environ=os.environ, step=Step("trial"),
           doing=lambda log: log)
"""


@pytest.mark.parametrize("at_once", [False, True], ids=["while it runs", "while it is started"])
def test_an_interrupt_ends_the_commands_children_too(
    tmp_path: Path, root: Path, at_once: bool
) -> None:
    """The command and its child hold ``ours`` open. The child ends by itself when ``theirs`` is
    closed: nothing is left behind, whatever the outcome."""
    (ours, held), (source, theirs) = os.pipe(), os.pipe()
    ends = f"/proc/{os.getpid()}/fd"
    command = f"exec 3> {ends}/{held} 4< {ends}/{source}; cat <&4 & : > started; wait"
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, command, *["at once"] * at_once],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root / "scripts")},
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (tmp_path / "started").exists():
            assert child.poll() is None
            time.sleep(0.01)
        if not at_once:
            child.send_signal(signal.SIGTERM)
        child.wait()
        os.close(held)
        ended, _, _ = select.select([ours], [], [], 60)  # whom a signal kills is not dead at once
        assert ended and not os.read(ours, 1)
    finally:
        for end in (ours, source, theirs):
            os.close(end)


def test_a_command_can_be_interrupted_by_others(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ["grep", "^SigBlk", "/proc/self/status"]
    assert run_logged(command, log=log, environ={}, step=Step("a"), doing=str) == 0
    assert int(log.read_text().split()[1], 16) == 0
