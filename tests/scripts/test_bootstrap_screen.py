"""Progress: a line that ticks on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


def test_an_interrupt_ends_the_commands_children_too(tmp_path: Path, root: Path) -> None:
    program = """
import sys, signal
from pathlib import Path
from bootstrap.commands import run_logged
from bootstrap.screen import Step
signal.signal(signal.SIGTERM, signal.default_int_handler)
run_logged(["sh", "-c", "sleep 60 & echo $! > pid; wait"], log=Path("log"), environ={},
           step=Step("trial"), doing=lambda log: log)
"""
    environ = {**os.environ, "PYTHONPATH": str(root / "scripts")}
    child = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL
    )
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text().endswith("\n")):
        assert child.poll() is None
        time.sleep(0.01)
    grandchild = Path(f"/proc/{int(pid.read_text())}")
    assert grandchild.exists()
    child.send_signal(signal.SIGTERM)
    child.wait()
    # A zombie is dead too: nobody may be left to reap it.
    state = grandchild / "stat"
    assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] in "ZX"
