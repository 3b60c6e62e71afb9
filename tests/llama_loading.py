"""Whether llama.cpp loads a model: in a child, since some files end it with an assertion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_LOAD = """
import os, sys
from localai.errors import WorkerError
from localai.worker.engine import Engine, EngineOptions
try:
    Engine.load([os.open(sys.argv[1], os.O_RDONLY)], EngineOptions(128, 1))
except WorkerError:
    print("refused")
else:
    print("loaded")
"""


def load(content: bytes, directory: Path) -> str:
    """What the engine does with a model, written into ``directory``: "loaded", "refused", or "" if
    it ended."""
    path = directory / "model.gguf"
    path.write_bytes(content)
    child = subprocess.run(
        [sys.executable, "-c", _LOAD, path],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        check=False,
    )
    return child.stdout.strip()
