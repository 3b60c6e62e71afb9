"""Start a worker: gather facts, prove the sandbox, seal the artifact, decide, record, and go.

The order is what makes it both fast and safe:

1. the laboratory is forked and the worker started, while nothing is known yet;
2. the launcher hides itself, then makes the memory that the artifact will be sealed in;
3. label, policy and manifests are read; if they refuse, no probe is sent;
4. the artifact is copied and hashed while the worker imports and the controls are tried;
5. the worker is looked at, probed, locked; the launcher's own filter is probed in a stand-in;
6. all gates are asked; the decision is recorded on disk;
7. only then the worker gets its ``go``, and the launcher locks itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import localai
from localai.artifact import (
    OpenArtifact,
    hash_artifact,
    make_vessels,
    measure_resources,
    open_artifact,
    seal_artifact,
)
from localai.egress.proving import Proof
from localai.errors import PlatformError
from localai.hardware import count_cores
from localai.hashing import Progress, report_nothing
from localai.host import TELEMETRY_SWITCHES, forced_switches
from localai.places import Places, make_private
from localai.plan.build import Decision, decide, why_not_to_probe
from localai.plan.document import record_document
from localai.plan.facts import Facts, Use
from localai.plan.gather import gather
from localai.records.log import append
from localai.sandbox import kernel
from localai.sandbox.filters import launcher_filter
from localai.sandbox.landlock import best_abi
from localai.sandbox.seccomp import install
from localai.sandbox.spec import SandboxSpec, find_gpu_devices, find_readable
from localai.worker.process import WorkerProcess

if TYPE_CHECKING:
    from localai.egress.laboratory import Premises
    from localai.worker.client import Client

_UNUSED_UIDS = range(61184, 65520)  # systemd's dynamic users: no account is made there


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What is asked of a start. ``context`` in tokens and ``threads``: None leaves the choice;
    ``gpu_layers``: -1 for as many as can be; without ``load`` everything is proved and then
    ended (``localai check``)."""

    model: Path
    use: Use
    context: int | None = None
    threads: int | None = None
    gpu_layers: int = 0
    load: bool = True


@dataclass(frozen=True, slots=True)
class Around:
    """What the start takes from outside: environment, places, host name, terminal or not."""

    environ: Mapping[str, str]
    places: Places
    host_name: str
    terminal: bool


class Start:
    """A start that was decided. ``client`` talks to the worker if it was allowed and loads."""

    def __init__(
        self, facts: Facts, decision: Decision, record: int, worker: WorkerProcess | None
    ) -> None:
        self.facts = facts
        self.decision = decision
        self.record = record
        self._worker = worker

    @property
    def client(self) -> Client | None:
        return self._worker.client if self._worker else None

    def close(self) -> None:
        """End the worker, if one was left running."""
        if self._worker:
            self._worker.end()


class _Clock:
    """Milliseconds since the start at which each step was done."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.marks: dict[str, float] = {}

    def mark(self, step: str) -> None:
        self.marks[step] = 1000 * (time.perf_counter() - self._began)


def start(request: StartRequest, around: Around, report: Progress = report_nothing) -> Start:
    """Do everything above and return what was decided, recorded, and, if allowed, started.

    ``report`` is called with the bytes verified so far. Raises LocalAIError if something cannot
    be done at all; then nothing was started and nothing is left running.
    """
    with ExitStack() as cleanup:
        clock = _Clock()
        opened = open_artifact(request.model)
        cleanup.callback(opened.close)
        before = kernel.read_status()
        proof = Proof(make_private(around.places.state), before)
        cleanup.callback(proof.close)
        _hide()
        make_vessels(opened)
        worker = WorkerProcess(TELEMETRY_SWITCHES, before)
        kept = cleanup.enter_context(ExitStack())
        kept.callback(worker.end)
        spec = make_spec(proof.wait_for_premises(), request.gpu_layers != 0, len(opened.files) or 1)
        worker.confine(spec)
        clock.mark("worker-started")
        facts = gather(
            around.places, around.environ, use=request.use, today=datetime.now(UTC).date(),
            host_name=around.host_name, terminal=around.terminal,
        )  # fmt: skip
        clock.mark("facts")
        facts, repack = _prove(request, facts, opened, proof, worker, clock, report)
        facts = replace(facts, timings_ms=MappingProxyType(clock.marks))
        decision, record = _decide(request, facts, around.places)
        if not (decision.allowed and request.load):
            return Start(facts, decision, record, None)
        kept.pop_all()  # from here on the worker is the caller's to end
        proof.close()
        options = {"context": request.context, "threads": request.threads or count_cores(),
                   "gpu_layers": request.gpu_layers if spec.devices else 0,
                   "repack": repack}  # fmt: skip
        worker.go(opened.sizes, options)
        install_launcher_filter(worker.pid)
        return Start(facts, decision, record, worker)


def _hide() -> None:
    """Let nobody look into this process from here on, and see that nobody does."""
    kernel.hide()
    if tracer := int(kernel.read_status()["TracerPid"]):
        raise PlatformError(
            f"process {tracer} traces this one and could change what it verifies",
            hint="run localai without a debugger or tracer",
        )


def make_spec(premises: Premises, gpu: bool, parts: int) -> SandboxSpec:
    """What the worker is asked to do to itself on this host."""
    devices = find_gpu_devices() if gpu else ()
    return SandboxSpec(
        laboratory=premises.pid if premises.namespaces else 0,
        namespaces=premises.namespaces,
        directory=premises.directory,
        decoy=str(premises.targets["public"]["path"]),
        uid=0 if os.getuid() else _find_unused_uid(),
        landlock=best_abi(),
        readable=find_readable(gpu=bool(devices)),
        devices=devices,
        parts=parts,
    )


def _find_unused_uid() -> int:
    import pwd

    with open("/proc/self/uid_map", encoding="ascii") as file:  # noqa: PTH123
        mapped = [tuple(map(int, line.split())) for line in file]
    for uid in _UNUSED_UIDS:
        if not any(first <= uid < first + count for first, _, count in mapped):
            continue
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise PlatformError(
        "this root account has no other uid that the worker could become",
        hint="run localai as an ordinary user",
    )


def _prove(
    request: StartRequest,
    facts: Facts,
    opened: OpenArtifact,
    proof: Proof,
    worker: WorkerProcess,
    clock: _Clock,
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


def _decide(request: StartRequest, facts: Facts, places: Places) -> tuple[Decision, int]:
    """Ask all gates and have the answer on disk before anything follows from it."""
    decision = decide(facts, facts.policy.policy)
    event = "run" if request.load else "check"
    now = datetime.now(UTC)
    document = record_document(facts, decision, event=event, now=now, version=localai.__version__)
    return decision, append(places.records, document)


def install_launcher_filter(worker: int) -> None:
    """Give up, in every thread, what a launcher no longer needs once its worker runs."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    install(launcher_filter(worker))
