"""What a start is asked for, and where."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from localai.places import Places
from localai.plan.facts import Use


class Adapter(NamedTuple):
    """An adapter that is asked for, and how strongly it is to count: above 0, at most 1."""

    path: Path
    scale: float = 1.0


class StartRequest(NamedTuple):
    """What is asked of a start. ``context`` in tokens and ``threads``: None leaves the choice;
    ``gpu_layers``: -1 for as many as can be; without ``load`` everything is proved and then
    ended (``localai check``); ``adapters`` are loaded with the model."""

    model: Path
    use: Use
    context: int | None = None
    threads: int | None = None
    gpu_layers: int = 0
    load: bool = True
    adapters: tuple[Adapter, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """What was named on the command line, the model first."""
        return (self.model, *(adapter.path for adapter in self.adapters))


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
