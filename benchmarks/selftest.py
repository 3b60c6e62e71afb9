"""All probes with their controls, against the same confined worker that nobody probes; and the
table of layers.

    .venv/bin/python benchmarks/selftest.py [--runs N]

Each run of the matrix is a process of its own: laboratory, worker, controls, probes, judging,
from the first fork to the last verdict. The target is at most 1.0 s. The table is what
`localai selftest --layers` takes from exec to its end, a third as often: at most 15 s.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import measuring

from localai.beginning import make_spec
from localai.egress.decoys import leave_decoys
from localai.egress.probes import PROBES
from localai.egress.proving import Proof
from localai.sandbox import kernel
from localai.terminal import sanitise
from localai.worker.process import WorkerProcess
from localai.worker.spawn import spawn

ONE_RUN = ("--probed", "--unprobed")
MATRIX_TARGET_S, LAYERS_TARGET_S = 1.0, 15.0


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in ONE_RUN:
        with tempfile.TemporaryDirectory(prefix="localai-benchmark-") as directory:
            print(one_run(Path(directory), probed=sys.argv[1] == "--probed"))
        return
    asked = measuring.parse(__doc__, runs=9, model=False)
    environ = measuring.plain_environ()

    def measure(how: str) -> float:
        return float(measuring.run([sys.executable, __file__, how], environ).printed)

    probed, unprobed = ONE_RUN
    medians = measuring.alternate(asked.runs, lambda: measure(probed), lambda: measure(unprobed))
    names = [f"worker, {len(PROBES)} probes judged", "worker, not probed"]
    measuring.show("s", names, medians)
    tables = measure_tables(environ, max(1, asked.runs // 3))
    measuring.show("s", ["table of layers"], [statistics.median(tables)])
    print(f"targets: {MATRIX_TARGET_S} s for the probes, {LAYERS_TARGET_S:.0f} s for the table")


def measure_tables(environ: dict[str, str], runs: int) -> list[float]:
    """Seconds that each table of layers takes, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="localai-benchmark-") as home:
        there = {**environ, "LOCALAI_HOME": home}
        labelled = [measuring.LOCALAI, "setup", "--label", "sandbox", "--unencrypted-key"]
        measuring.run(labelled, there)
        table = [measuring.LOCALAI, "selftest", "--layers"]
        return [measuring.run(table, there).total_s for _ in range(runs)]


def one_run(directory: Path, *, probed: bool) -> float:
    """Seconds until the verdict, or until the worker could be probed. Nobody may look into this
    process afterwards, so it makes only one run."""
    before = kernel.read_status()
    began = time.perf_counter()
    leave_decoys()
    spawned = spawn({})
    worker = WorkerProcess(spawned, before)
    proof = Proof(directory, before, foreign=spawned.descriptors)
    kernel.hide()
    try:
        worker.confine(make_spec(proof.wait_for_premises(), (), 1))
        if probed:
            proof.begin_controls()
        status = worker.seal(proof.lent).status
        if status.missing_required:
            raise SystemExit(f"layers are missing here: {status.missing_required}")
        if probed:
            proof.wait_for_controls()
            told = worker.probe(proof.to_send(), proof.targets, proof.told(), proof.lent_places)
            report = proof.judge(told, sanitise)
            if report.arrived or report.not_checked or not report.probes:
                raise SystemExit(f"arrived: {report.arrived}, not checked: {report.not_checked}")
        return time.perf_counter() - began
    finally:
        worker.end()
        proof.close()


if __name__ == "__main__":
    main()
