"""One worker, confined as asked, probed, and judged: run as a program, since it hides itself.

    python trial.py '{"without": ["seccomp"], "withheld": ["net"], "only": ["tcp4"], "landlock": 1}'

``forbid`` names system calls that this program forbids itself first. ``model`` is a file (of a
split set, the first) that the worker then loads and answers with.

Prints the status and the outcome of every probe as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from localai.artifact import OpenArtifact, make_vessels, open_artifact, seal_artifact
from localai.beginning import make_spec
from localai.copying import Copying
from localai.egress.decoys import leave_decoys
from localai.egress.proving import Proof
from localai.egress.screen import SANITISER
from localai.sandbox import kernel
from localai.sandbox.filters import deny
from localai.sandbox.seccomp import Action, Filter, install
from localai.terminal import sanitise
from localai.worker.process import WorkerProcess
from localai.worker.protocol import Message, Sampling
from localai.worker.spawn import spawn


def try_out(asked: dict[str, Any], directory: Path) -> dict[str, Any]:
    before = kernel.read_status()
    if asked.get("forbid"):  # as a container's filter does
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        install(Filter(Action.ALLOW, deny(asked["forbid"])))
        before = before if asked.get("controls_confined") else kernel.read_status()
    leave_decoys()
    proof = Proof(directory, before, frozenset(asked.get("withheld", ())))
    kernel.hide()
    opened = open_artifact(Path(asked["model"])) if "model" in asked else None
    answer = ""
    worker = WorkerProcess(spawn({}), before)
    try:
        spec = make_spec(proof.wait_for_premises(), (), len(opened.files) if opened else 1)
        spec = spec._replace(unsafe_without=tuple(asked.get("without", ())))
        if "landlock" in asked:
            spec = spec._replace(landlock=asked["landlock"])
        worker.confine(spec)
        proof.begin_controls()
        status = worker.seal([*proof.lent, *(_seal(opened) if opened else ())]).status
        proof.wait_for_controls()
        names = [name for name in proof.to_send() if name in asked.get("only", [name])]
        attempts = worker.probe(names, proof.targets, proof.told(), proof.lent_places)
        unsanitised = SANITISER in asked.get("without", ())
        report = proof.judge(attempts, str if unsanitised else sanitise)
        if opened:
            worker.go(opened.sizes, {"context": 64, "threads": 1, "gpu_layers": 0, "repack": False})
            sampling = Sampling(max_tokens=4, temperature=0, top_p=1, seed=0)
            pieces = worker.client.generate([Message("user", "hi")], sampling)
            answer = "".join(piece for piece in pieces if isinstance(piece, str))
    finally:
        worker.end()
        proof.close()
    assert proof.premises is not None
    return {
        "namespaces": proof.premises.namespaces,
        "missing": [layer.name for layer in status.layers if not layer.in_force],
        "refusing": [layer.name for layer in status.missing_required],
        "details": {layer.name: layer.detail for layer in status.layers},
        "uid": status.uid,
        "outcomes": {result.probe: result.outcome for result in report.results},
        "errors": {result.probe: result.detail for result in report.results},
        "answer": answer,
        "filters": {
            name: {result.probe: result.outcome for result in found.results}
            for name, found in report.filters.items()
        },
    }


def _seal(opened: OpenArtifact) -> list[int]:
    """The artifact in sealed memory, as the worker gets it."""
    make_vessels(opened)
    seal_artifact(opened, Copying(opened.files, opened.vessels), [])
    assert not opened.artifact.problem, opened.artifact.problem
    return [os.open(f"/proc/self/fd/{vessel}", os.O_RDONLY) for vessel in opened.vessels]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(try_out(json.loads(sys.argv[1]), Path(directory))))
