"""Examine a start: gather facts, seal the artifact, have the worker probed, decide, record.

The launch imports this while its worker starts: reading YAML and checking signatures takes
libraries that are slow to load.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import localai
from localai.errors import WorkerError
from localai.hashing import Progress
from localai.host import forced_switches
from localai.identification import hash_artifacts, seal_artifacts
from localai.plan.build import Decision, decide, why_not_to_probe
from localai.plan.document import record_document
from localai.plan.gather import gather
from localai.records.log import append
from localai.terminal import sanitise

if TYPE_CHECKING:
    from localai.artifact import OpenArtifact
    from localai.copying import Copying
    from localai.egress.proving import Proof
    from localai.plan.facts import Facts, Resources
    from localai.plan.request import Around, Clock, StartRequest
    from localai.worker.process import WorkerProcess


class UnderWay(NamedTuple):
    """What the launch has begun: a laboratory, a worker, the artifacts, the model first, and a
    copy of them, which is None where there is nothing to copy or no memory for it."""

    proof: Proof
    worker: WorkerProcess
    opened: Sequence[OpenArtifact]
    resources: Resources
    copying: Copying | None


class Examined(NamedTuple):
    """What was found, decided and recorded."""

    facts: Facts
    decision: Decision
    record: int


def examine(
    request: StartRequest, around: Around, begun: UnderWay, clock: Clock, report: Progress
) -> Examined:
    """Find out everything, ask all gates, and have the answer on disk.

    Raises LocalAIError if something cannot be found out or recorded at all.
    """
    now = datetime.now(UTC)
    facts = gather(
        around.places,
        around.environ,
        use=request.use,
        now=now,
        host_name=around.host_name,
        terminal=around.terminal,
    )
    clock.mark("facts")
    unprobed = why_not_to_probe(facts, facts.policy.policy)
    if not unprobed and any(one.artifact.problem for one in begun.opened):
        unprobed = "the file cannot be read"
    if unprobed:
        facts = _only_identify(facts, begun, unprobed, report)
    else:
        facts = _measure(facts, begun, clock, report)
    facts = facts._replace(timings_ms=MappingProxyType(clock.marks))
    decision = decide(facts, facts.policy.policy)
    event = "run" if request.load else "check"
    document = record_document(facts, decision, event=event, now=now, version=localai.__version__)
    return Examined(facts, decision, append(around.places.records, document))


def _only_identify(facts: Facts, begun: UnderWay, unprobed: str, report: Progress) -> Facts:
    """What can still be said of files when the start is refused already: whether they are
    listed."""
    if begun.copying:
        begun.copying.end()
        hash_artifacts(begun.opened, facts.manifests, report)
    return _with_artifacts(facts, begun)._replace(unprobed=unprobed)


def _measure(facts: Facts, begun: UnderWay, clock: Clock, report: Progress) -> Facts:
    """Have the worker confined and probed and the artifacts sealed; add what came of it.

    What does not fit into memory is not even hashed: the figures refuse at once.
    """
    try:
        facts = prove(facts, begun, clock)
    except WorkerError as error:  # no worker that is confined as it must be: that is a refusal
        facts = facts._replace(unsealed=error.message)
    if begun.copying:  # it has been under way all the time
        seal_artifacts(begun.opened, begun.copying, facts.manifests, report)
    clock.mark("artifact")
    return _with_artifacts(facts, begun)._replace(resources=begun.resources)


def _with_artifacts(facts: Facts, begun: UnderWay) -> Facts:
    model, *companions = (one.artifact for one in begun.opened)
    return facts._replace(artifact=model, companions=tuple(companions))


def prove(facts: Facts, begun: UnderWay, clock: Clock) -> Facts:
    """Have the worker confined and probed; add its layers, its probes, its telemetry switches."""
    proof, worker = begun.proof, begun.worker
    proof.begin_controls()
    files = [file for one in begun.opened for file in one.loaded]
    with ExitStack() as handed:
        models = [_open_read_only(file.fd, handed) for file in files]
        sealed = worker.seal([*proof.lent, *models])
    clock.mark("worker-sealed")
    proof.wait_for_controls()
    clock.mark("controls")
    attempts = worker.probe(proof.to_send(), proof.targets, proof.told(), proof.lent_places)
    egress = proof.judge(attempts, sanitise)
    clock.mark("probes")
    switches = forced_switches(sealed.environment)
    return facts._replace(sandbox=sealed.status, egress=egress, switches=switches)


def _open_read_only(fd: int, opened: ExitStack) -> int:
    """The same memory or file, opened anew for reading only: what the worker gets."""
    descriptor = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor
