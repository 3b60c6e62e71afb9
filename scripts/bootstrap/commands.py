"""Run a long command with its output in a log, a line that ticks, and no child left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap.screen import Step

TAIL = 16384  # bytes of the log that are looked at
GRACE = 5.0  # seconds that an interrupted command has to end by itself


def run_logged(
    command: Sequence[str | Path],
    *,
    log: Path,
    environ: Mapping[str, str],
    step: Step,
    doing: Callable[[str], str],
) -> int:
    """Run ``command`` with its output in ``log`` and return its exit status.

    ``doing`` reads the last of the log and says what the command is at. The command gets a
    process group of its own, so that compilers which it started end with it when we are
    interrupted.
    """
    child = None
    try:
        with log.open("wb") as output, _without_interrupts() as before:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),
            )
        while True:
            try:
                return child.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                step.tick(doing(read_tail(log)))
    finally:
        if child:
            _end_group(child)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[set[int]]:
    """Let interrupts wait: one that came while a command is started would leave behind a child
    that nobody knows yet. Yields what is blocked without us: the child is to hear them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def read_tail(log: Path) -> str:
    """The last few kilobytes of a log."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL))
        return stream.read().decode("utf-8", "replace")


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started, if it has not ended by itself."""
    if child.poll() is not None:
        return
    try:
        os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=GRACE)
    finally:  # who interrupts again does not want to wait
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
