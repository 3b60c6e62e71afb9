"""What the scripts print while they work: one line a step, on standard error.

On a terminal the line of a running step ticks in place. Elsewhere (a log, a pipe, TERM=dumb, a
screen reader that asks for it that way) a line is printed now and then instead.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

LIVE_PAUSE = 0.2  # seconds between two redraws on a terminal
LINE_PAUSE = 15.0  # seconds between two lines elsewhere


def say(line: str = "") -> None:
    """Print one line."""
    print(line, file=sys.stderr, flush=True)


class Step:
    """One step: ``tick`` while it runs, then ``end`` with what came of it."""

    def __init__(
        self,
        name: str,
        *,
        stream: TextIO | None = None,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._stream = stream or sys.stderr
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        self._live = (self._stream.isatty() and not dumb) if live is None else live
        self._clock = clock
        self._started = self._drawn = clock()

    def tick(self, doing: str) -> None:
        """Show that the step goes on, and with what. Cheap enough to call often."""
        now = self._clock()
        if now - self._drawn < (LIVE_PAUSE if self._live else LINE_PAUSE):
            return
        self._drawn = now
        line = self._line(doing, now)
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{line[:width]}")
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def end(self, outcome: str) -> None:
        """Close the step's line."""
        if self._live:
            self._stream.write("\r\x1b[K")
        self._stream.write(self._line(outcome, self._clock()) + "\n")
        self._stream.flush()

    def _line(self, text: str, now: float) -> str:
        seconds = int(now - self._started)
        elapsed = f", {seconds} s" if seconds else ""
        return f"  {self.name:<12} {text}{elapsed}"
