"""Trials: workers that are confined with layers left out, probed, and ended, each in a process of
its own. None of them ever gets a model, and no start uses what is here."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

from localai.beginning import make_spec
from localai.egress.attribution import Attribution, Measured, Outcomes, attribute, blocked
from localai.egress.decoys import leave_decoys
from localai.egress.probes import BY_NAME
from localai.egress.proving import Proof
from localai.egress.screen import SANITISER, Show
from localai.egress.selftest import EgressReport, Outcome
from localai.errors import LocalAIError, WorkerError
from localai.sandbox import kernel
from localai.sandbox.spec import LAYERS
from localai.terminal import sanitise
from localai.worker.process import Sealed, WorkerProcess
from localai.worker.spawn import spawn

# No filter and no Landlock can be had without no-new-privs: it stays, and is no row.
REMOVABLE = (*(layer for layer in LAYERS if layer != "no-new-privs"), SANITISER)

_PER_PROCESSOR = 2  # a name that nobody resolves is waited for


class Asked(NamedTuple):
    """How a trial differs from a start: layers left out, namespaces treated as refused, an older
    Landlock, devices, the number of files, and the only probes to be tried (None: all)."""

    without: tuple[str, ...] = ()
    withheld: frozenset[str] = frozenset()
    landlock: int | None = None
    devices: tuple[str, ...] = ()
    parts: int = 1
    only: frozenset[str] | None = None


class Trial:
    """One of them, under way in this process, which it hides for good. Raises LocalAIError."""

    def __init__(self, asked: Asked, directory: Path, before: Mapping[str, str]) -> None:
        """``directory`` and ``before`` as for ``Proof``."""
        with ExitStack() as cleanup:
            leave_decoys()
            self.proof = Proof(directory, before, asked.withheld)
            cleanup.callback(self.proof.close)
            kernel.hide()
            self.worker = WorkerProcess(spawn({}), before)
            cleanup.callback(self.worker.end)
            self.premises = self.proof.wait_for_premises()
            spec = make_spec(self.premises, asked.devices, asked.parts)
            spec = spec._replace(unsafe_without=asked.without)
            if asked.landlock is not None:
                spec = spec._replace(landlock=asked.landlock)
            self.worker.confine(spec)
            self.proof.begin_controls()
            self._only = asked.only
            self._show: Show = str if SANITISER in asked.without else sanitise
            self._cleanup = cleanup.pop_all()

    def seal(self, models: Sequence[int] = ()) -> Sealed:
        """Have the worker confined, with the descriptors ``models``, and say what it is then."""
        return self.worker.seal([*self.proof.lent, *models])

    def probe(self) -> EgressReport:
        """Have it probed, and judge."""
        proof = self.proof
        proof.wait_for_controls()
        names = [name for name in proof.to_send() if self._only is None or name in self._only]
        attempts = self.worker.probe(names, proof.targets, proof.told(), proof.lent_places)
        return proof.judge(attempts, self._show)

    def close(self) -> None:
        """End everything."""
        self._cleanup.close()


def measure_layers(directory: Path) -> Attribution:
    """Try every probe with all layers, with none, with each alone and with each missing, several
    workers at once. ``directory`` as for ``Proof``.

    Raises LocalAIError if a worker cannot be had.
    """
    kernel.show_as("localai")
    began = time.perf_counter()
    full = _run({"all": Asked()}, directory)["all"]
    names = frozenset(blocked(full))
    asked = {"none": Asked(REMOVABLE, only=names)}
    for layer in REMOVABLE:
        others = tuple(other for other in REMOVABLE if other != layer)
        asked[f"only {layer}"] = Asked(others, only=names)
        asked[f"without {layer}"] = Asked((layer,), only=names)
    found = _run(asked, directory)
    measured = Measured(
        full,
        found["none"],
        {layer: found[f"only {layer}"] for layer in REMOVABLE},
        {layer: found[f"without {layer}"] for layer in REMOVABLE},
    )
    return attribute(measured, time.perf_counter() - began)


def _run(asked: Mapping[str, Asked], directory: Path) -> dict[str, Outcomes]:
    """The outcomes of many trials, by name."""
    before = kernel.read_status()
    found: dict[str, Outcomes] = {name: {} for name in asked}
    waiting = [(name, part) for name, one in asked.items() for part in _split(one)]
    running: dict[int, _Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < _PER_PROCESSOR * (os.cpu_count() or 1):
                child = _Child(*waiting.pop(), directory, before)
                running[child.output] = child
            for output in select.select(list(running), [], [])[0]:
                if not (child := running[output]).read():
                    continue
                del running[output]
                found[child.name] = {**found[child.name], **child.end()}
                if left := _unreported(child.asked, found[child.name]):
                    waiting.append((child.name, child.asked._replace(only=left)))
    finally:
        for child in running.values():
            child.abandon()
    return found


def _split(asked: Asked) -> list[Asked]:
    """Probes that may replace the worker apart from the others: with it goes what it holds."""
    if asked.only is None:
        return [asked]
    alone = frozenset(name for name in asked.only if BY_NAME[name].alone)
    return [asked._replace(only=part) for part in (asked.only - alone, alone)]


def _unreported(asked: Asked, outcomes: Outcomes) -> frozenset[str]:
    """The probes that are still to be tried, since one before them replaced the worker."""
    left = frozenset(
        name
        for name in asked.only or ()
        if BY_NAME[name].alone and outcomes.get(name) is Outcome.NOT_CHECKED
    )
    return left if left != asked.only else frozenset()


class _Child:
    """A trial in a process of its own; ``output`` is what it says when it is done."""

    def __init__(self, name: str, asked: Asked, directory: Path, before: Mapping[str, str]) -> None:
        self.name, self.asked = name, asked
        self._said = b""
        self.output, writer = os.pipe()

        def live() -> None:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
            with os.fdopen(writer, "w", encoding="ascii") as answer:
                json.dump(_try_out(asked, directory, before), answer)

        self._pid = kernel.fork(live)
        os.close(writer)

    def read(self) -> bool:
        """Take in what it has said. True once that was all."""
        data = os.read(self.output, 1 << 16)
        self._said += data
        return not data

    def end(self) -> dict[str, Outcome]:
        """Wait for its end and return the outcomes. Raises WorkerError if there are none."""
        os.close(self.output)
        _, status = os.waitpid(self._pid, 0)
        said: dict[str, Any] = json.loads(self._said) if status == 0 else {}
        if "failed" in said or not said:
            message, hint = said.get("failed", ("the trial broke off", "localai doctor"))
            raise WorkerError(f"{self.name}: {message}", hint=hint)
        return {name: Outcome(outcome) for name, outcome in said.items()}

    def abandon(self) -> None:
        """End it before it is done."""
        os.kill(self._pid, signal.SIGTERM)
        os.close(self.output)
        os.waitpid(self._pid, 0)


def _try_out(asked: Asked, directory: Path, before: Mapping[str, str]) -> dict[str, Any]:
    try:
        with closing(Trial(asked, directory, before)) as trial:
            trial.seal()
            report = trial.probe()
    except LocalAIError as error:
        return {"failed": [error.message, error.hint]}
    wanted = (result for result in report.results
              if asked.only is None or result.probe in asked.only)  # fmt: skip
    return {result.probe: result.outcome for result in wanted}
