"""What was found in force around the worker: never what was merely asked for."""

from __future__ import annotations

from typing import NamedTuple


class Layer(NamedTuple):
    """One kernel mechanism. ``detail`` is the measured fact, short enough for a screen."""

    name: str
    required: bool
    in_force: bool
    detail: str


class SandboxStatus(NamedTuple):
    """Every layer as found from outside the worker, or by decoys where /proc shows nothing.

    ``uid`` is the worker's real uid as the launcher's user namespace sees it.
    """

    layers: tuple[Layer, ...]
    uid: int
    pid: int

    @property
    def missing_required(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.required and not layer.in_force)
