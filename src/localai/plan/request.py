"""What a start is asked for, and where."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from localai.places import Places
from localai.plan.facts import Use


class StartRequest(NamedTuple):
    """What is asked of a start. ``context`` in tokens and ``threads``: None leaves the choice;
    ``gpu_layers``: -1 for as many as can be; without ``load`` everything is proved and then
    ended (``localai check``)."""

    model: Path
    use: Use
    context: int | None = None
    threads: int | None = None
    gpu_layers: int = 0
    load: bool = True


class Around(NamedTuple):
    """What the start takes from outside: environment, places, host name, terminal or not."""

    environ: Mapping[str, str]
    places: Places
    host_name: str
    terminal: bool


class Clock:
    """Milliseconds since the start at which each step was done."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.marks: dict[str, float] = {}

    def mark(self, step: str) -> None:
        self.marks[step] = 1000 * (time.perf_counter() - self._began)
