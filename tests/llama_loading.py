"""Whether llama.cpp loads a model, with an adapter or not: in a child, since some files end it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_LOAD = """
import os, sys
from localai.errors import WorkerError
from localai.worker.engine import Engine, EngineOptions
from localai.worker.protocol import Sampling
files = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]]
adapters = [1.0] * len(files[1:])
try:
    engine = Engine.load(files, EngineOptions(128, 1, adapters=adapters))
    if adapters:  # what does not fit may show only now
        engine.generate(engine.tokenize("hi"), Sampling(1, 0, 1, 1), str, bool)
except WorkerError:
    print("refused")
else:
    print("loaded")
"""


def load(content: bytes, directory: Path, adapter: bytes | None = None) -> str:
    """What the engine does with a model, written into ``directory``: "loaded", "refused", or "" if
    it ended."""
    paths = [directory / "model.gguf"]
    paths[0].write_bytes(content)
    if adapter is not None:
        paths.append(directory / "adapter.gguf")
        paths[1].write_bytes(adapter)
    child = subprocess.run(
        [sys.executable, "-c", _LOAD, *paths],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        check=False,
    )
    return child.stdout.strip()
