"""All probes with their controls, against the same confined worker that nobody probes.

    .venv/bin/python benchmarks/selftest.py [--runs N]

Each run is a process of its own: laboratory, worker, controls, probes, judging, from the first
fork to the last verdict. The target is at most 0.6 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import measuring

from localai.egress.proving import Proof
from localai.launch import make_spec
from localai.sandbox import kernel
from localai.worker.process import WorkerProcess

ONE_RUN = ("--probed", "--unprobed")


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
    measuring.show("s", ["worker, probed and judged", "worker, not probed"], medians)


def one_run(directory: Path, *, probed: bool) -> float:
    """Seconds until the verdict, or until the worker could be probed. Nobody may look into this
    process afterwards, so it makes only one run."""
    before = kernel.read_status()
    began = time.perf_counter()
    proof = Proof(directory, before)
    kernel.hide()
    worker = WorkerProcess({}, before)
    try:
        worker.confine(make_spec(proof.wait_for_premises(), gpu=False, parts=1))
        if probed:
            proof.begin_controls()
        status = worker.seal(proof.lent).status
        if status.missing_required:
            raise SystemExit(f"layers are missing here: {status.missing_required}")
        if probed:
            proof.wait_for_controls()
            told = worker.probe(proof.to_send(), proof.targets, proof.told(), proof.lent_places)
            report = proof.judge(told)
            if report.arrived or report.not_checked or not report.probes:
                raise SystemExit(f"arrived: {report.arrived}, not checked: {report.not_checked}")
        return time.perf_counter() - began
    finally:
        worker.end()
        proof.close()


if __name__ == "__main__":
    main()
