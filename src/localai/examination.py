"""Examine a start: gather facts, seal the artifact, have the worker probed, decide, record.

The launch imports this while its worker starts: reading YAML and checking signatures takes
libraries that are slow to load.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import localai
from localai.artifact import OpenArtifact, hash_artifact, measure_resources, seal_artifact
from localai.hashing import Progress
from localai.host import forced_switches
from localai.plan.build import Decision, decide, why_not_to_probe
from localai.plan.document import record_document
from localai.plan.gather import gather
from localai.records.log import append

if TYPE_CHECKING:
    from localai.egress.proving import Proof
    from localai.plan.facts import Facts
    from localai.plan.request import Around, StartRequest
    from localai.worker.process import WorkerProcess


class Clock:
    """Milliseconds since the start at which each step was done."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.marks: dict[str, float] = {}

    def mark(self, step: str) -> None:
        self.marks[step] = 1000 * (time.perf_counter() - self._began)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, decided and recorded. ``repack``: see ``EngineOptions``."""

    facts: Facts
    decision: Decision
    record: int
    repack: bool


def examine(
    request: StartRequest,
    around: Around,
    opened: OpenArtifact,
    proof: Proof,
    worker: WorkerProcess,
    clock: Clock,
    report: Progress,
) -> Examined:
    """Find out everything, ask all gates, and have the answer on disk.

    Raises LocalAIError if something cannot be found out or recorded at all.
    """
    now = datetime.now(UTC)
    facts = gather(
        around.places,
        around.environ,
        use=request.use,
        today=now.date(),
        host_name=around.host_name,
        terminal=around.terminal,
    )
    clock.mark("facts")
    facts, repack = _measure(request, facts, opened, proof, worker, clock, report)
    facts = replace(facts, timings_ms=MappingProxyType(clock.marks))
    decision = decide(facts, facts.policy.policy)
    event = "run" if request.load else "check"
    document = record_document(facts, decision, event=event, now=now, version=localai.__version__)
    return Examined(facts, decision, append(around.places.records, document), repack)


def _measure(
    request: StartRequest,
    facts: Facts,
    opened: OpenArtifact,
    proof: Proof,
    worker: WorkerProcess,
    clock: Clock,
    report: Progress,
) -> tuple[Facts, bool]:
    """The facts with everything measured in them, and whether weights may be repacked."""
    unprobed = why_not_to_probe(facts, facts.policy.policy)
    if not unprobed and opened.artifact.problem:
        unprobed = "the file cannot be read"
    if unprobed:
        hash_artifact(opened, facts.manifests, report)
        return replace(facts, artifact=opened.artifact, unprobed=unprobed), False
    proof.begin_controls()
    resources, repack = measure_resources(opened, request.context)
    if resources.needed <= resources.free:
        threads = len(os.sched_getaffinity(0))
        seal_artifact(opened, facts.manifests, threads, report)
    else:
        hash_artifact(opened, facts.manifests, report)
    clock.mark("artifact")
    sealed = worker.seal([*proof.lent, *map(_read_only, opened.vessels)])
    clock.mark("worker-sealed")
    proof.wait_for_controls()
    clock.mark("controls")
    attempts = worker.probe(proof.to_send(), proof.targets, proof.told(), proof.lent_places)
    egress = proof.judge(attempts)
    clock.mark("probes")
    measured = replace(
        facts, artifact=opened.artifact, resources=resources, sandbox=sealed.status,
        egress=egress, switches=forced_switches(sealed.environment),
    )  # fmt: skip
    return measured, repack


def _read_only(vessel: int) -> int:
    """The same memory, opened for reading only: what the worker gets."""
    return os.open(f"/proc/self/fd/{vessel}", os.O_RDONLY | os.O_CLOEXEC)
