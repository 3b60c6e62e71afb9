"""Start a worker: gather facts, prove the sandbox, seal the artifact, decide, record, and go.

The order is what makes it both fast and safe:

1. the laboratory is forked and the worker started, while nothing is known yet, and the launcher
   hides itself (``beginning``);
2. it makes the memory that the artifact will be sealed in, and a process to copy it there, or,
   where nobody else can change it (``custody``), to hash it where it lies (``copying``);
3. label, policy and manifests are read; if they refuse, no probe is sent (``examination``);
4. the controls are tried; the worker is looked at, probed, locked; a stand-in for the launcher
   is probed under the launcher's own filter;
5. the copy is sealed and its digest looked up;
6. all gates are asked, and the decision is on disk;
7. only then the worker gets its ``go``, and the launcher locks itself.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from localai.artifact import make_vessels, measure_resources, open_artifacts
from localai.beginning import Beginning, take_beginning
from localai.copying import Copying
from localai.errors import LocalAIError, PlatformError, WorkerError
from localai.hardware import count_cores
from localai.hashing import Progress, report_nothing
from localai.places import Places
from localai.plan.facts import Facts, Resources
from localai.plan.request import Around, Clock, StartRequest
from localai.records.log import append
from localai.sandbox import kernel
from localai.sandbox.filters import launcher_filter
from localai.sandbox.seccomp import install

if TYPE_CHECKING:
    from localai.examination import Examined
    from localai.worker.client import Client
    from localai.worker.process import WorkerProcess


class Start:
    """A start that was decided. ``client`` talks to the worker if it was allowed and loads."""

    def __init__(self, examined: Examined, worker: WorkerProcess | None, records: Path) -> None:
        self.facts = examined.facts
        self.decision = examined.decision
        self.record = examined.record
        self._worker = worker
        self._records = records

    @property
    def client(self) -> Client | None:
        return self._worker.client if self._worker else None

    def explain(self, error: WorkerError) -> WorkerError:
        """Say why the worker is gone, and put it on record if the kernel ended it.

        Returns ``error`` itself for a worker that still runs.
        """
        killed = self._worker.find_killer() if self._worker else None
        if killed is None or self._worker is None:
            return error
        incident = {
            "record": "localai.incident/1",
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": "worker-ended",
            "start": self.record,
            "signal": killed,
            "last_words": self._worker.last_words(),
        }
        number = append(self._records, incident)
        meaning = {
            "SIGSYS": "it tried a system call that ends it: treat this as an incident",
            "SIGKILL": "the kernel does that when memory runs out",
        }.get(killed, "a fault in the engine or in the model")
        return WorkerError(
            f"the worker was ended by {killed}: {meaning}",
            hint=f"record {number} has the details; localai check MODEL tests the sandbox again",
        )

    def close(self) -> None:
        """End the worker, if one was left running."""
        if self._worker:
            self._worker.end()


def start(request: StartRequest, around: Around, report: Progress = report_nothing) -> Start:
    """Do everything above and return what was decided, recorded, and, if allowed, started.

    ``report`` is called with the bytes verified so far. Raises LocalAIError if something cannot
    be done at all; then nothing was started and nothing is left running.
    """
    with ExitStack() as cleanup:
        cleanup.callback(gc.enable)
        cleanup.callback(gc.freeze)  # what is here by then stays: nobody shall look through it
        clock = Clock()
        begun = take_beginning(around.places)
        kept = cleanup.enter_context(ExitStack())
        kept.callback(begun.close)
        opened = open_artifacts(request, around.places.stores)
        for one in opened:
            cleanup.callback(one.close)
        # An adapter is loaded from its descriptor, and only a set of parts by paths.
        parts = max(1, len(opened[0].files))
        spec = begun.confine(gpu=request.gpu_layers != 0, parts=parts, kept=opened[0].kept_parts)
        clock.mark("worker-started")
        gpu_layers = _layers_for(spec.devices, request.gpu_layers)
        resources, manner = measure_resources(opened, request.context, gpu_layers)
        copying = None
        if resources.needed <= resources.free and any(one.files for one in opened):
            for one in opened:
                make_vessels(one)
            copying = Copying(
                [file for one in opened for file in one.files],
                [vessel for one in opened for vessel in one.vessels],
                [header for one in opened for header in one.all_headers],
            )
            cleanup.callback(copying.end)
        # Slow to import: it goes on while the artifact is copied and the worker imports.
        from localai.examination import UnderWay, examine

        under_way = UnderWay(begun.proof, begun.worker, opened, resources, copying)
        examined = examine(request, around, under_way, clock, report)
        if not (examined.decision.allowed and request.load):
            return Start(examined, None, around.places.records)
        options = {
            "context": request.context,
            "threads": request.threads or count_cores(),
            "gpu_layers": gpu_layers,
            **manner._asdict(),
            "adapters": [one.artifact.scale for one in opened[1:]],
        }
        artifact = examined.facts.artifact
        assert artifact is not None and artifact.entry is not None  # nothing is allowed without
        sizes = [size for one in opened for size in one.sizes]
        inodes = [inode for one in opened for inode in one.inodes]
        begun.worker.go(sizes, inodes, options, artifact.entry.approval.on)
        begun.proof.close()  # while the worker loads
        install_launcher_filter(begun.worker.pid)
        kept.pop_all()  # from here on the worker is the caller's to end
        return Start(examined, begun.worker, around.places.records)


def _layers_for(devices: Sequence[str], asked: int) -> int:
    """How many layers go to a GPU. Raises PlatformError if some were asked for and none can."""
    if asked > 0 and not devices:
        raise PlatformError(
            f"--gpu {asked}: there is no GPU that this account may open and this build of "
            "llama.cpp can use",
            hint="--gpu auto takes one where there is one",
        )
    return asked if devices else 0


def prove_host(facts: Facts, places: Places) -> Facts:
    """Confine, probe and end a worker without any model, and probe every filter on its own; what
    was found is added to ``facts``, and so is the reason if no worker can be had."""
    from localai.egress.probes.probe import FILTERS
    from localai.examination import UnderWay, prove

    with ExitStack() as cleanup:
        try:
            begun = Beginning(places, every_filter=True)
            cleanup.callback(begun.close)
            begun.confine(gpu=True)  # where there is one: its rules are the wider ones
            under_way = UnderWay(begun.proof, begun.worker, (), Resources(0, 0, ""), None)
            facts = prove(facts, under_way, Clock())
            # Whatever was probed: without one of them it is no whole self-test.
            return facts._replace(egress=facts.egress and facts.egress._replace(asked=FILTERS))
        except LocalAIError as error:
            return facts._replace(unsealed=": ".join(filter(None, (error.message, error.hint))))


def install_launcher_filter(worker: int) -> None:
    """Give up, in every thread, what a launcher no longer needs once its worker runs."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    install(launcher_filter(worker))
