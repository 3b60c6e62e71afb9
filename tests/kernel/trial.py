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
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from localai.artifact import OpenArtifact, make_vessels, open_artifact
from localai.copying import Copying
from localai.identification import seal_artifacts
from localai.sandbox import kernel
from localai.sandbox.filters import deny
from localai.sandbox.seccomp import Action, Filter, install
from localai.trials import Asked, Trial
from localai.worker.protocol import Message, Sampling

_FIELDS = {"without": tuple, "withheld": frozenset, "landlock": int, "devices": tuple,
           "only": frozenset}  # fmt: skip


def try_out(asked: dict[str, Any], directory: Path) -> dict[str, Any]:
    before = kernel.read_status()
    if asked.get("forbid"):  # as a container's filter does
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        install(Filter(Action.ALLOW, deny(asked["forbid"])))
        before = before if asked.get("controls_confined") else kernel.read_status()
    opened = open_artifact(Path(asked["model"])) if "model" in asked else None
    fields = {name: kind(asked[name]) for name, kind in _FIELDS.items() if name in asked}
    parts = len(opened.files) if opened else 1
    with closing(Trial(Asked(parts=parts, **fields), directory, before)) as trial:
        status = trial.seal(_seal(opened) if opened else ()).status
        report = trial.probe()
        answer = _ask(trial, opened) if opened else ""
    return {
        "namespaces": trial.premises.namespaces,
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


def _ask(trial: Trial, opened: OpenArtifact) -> str:
    """What the model says first."""
    options = {"context": 64, "threads": 1, "gpu_layers": 0, "repack": False}
    trial.worker.go(opened.sizes, opened.inodes, options, date(2026, 1, 1))
    sampling = Sampling(max_tokens=4, temperature=0, top_p=1, seed=0)
    pieces = trial.worker.client.generate([Message("user", "hi")], sampling)
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _seal(opened: OpenArtifact) -> list[int]:
    """The artifact in sealed memory, as the worker gets it."""
    make_vessels(opened)
    seal_artifacts([opened], Copying(opened.files, opened.vessels, opened.all_headers), [])
    assert not opened.artifact.problem, opened.artifact.problem
    return [os.open(f"/proc/self/fd/{file.fd}", os.O_RDONLY) for file in opened.loaded]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(try_out(json.loads(sys.argv[1]), Path(directory))))
