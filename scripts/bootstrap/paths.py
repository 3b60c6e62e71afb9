"""Where everything lies in a checkout, and how a file is put there whole or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ADMINISTRATOR = Path("/etc/localai")


@dataclass(frozen=True, slots=True)
class Checkout:
    """The folders and files of one checkout. Those that git ignores need not exist yet."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "pyproject.toml"

    @property
    def manifests(self) -> Path:
        return self.root / "manifests" / "demo"

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def home(self) -> Path:
        """The demo's LOCALAI_HOME."""
        return self.root / ".localai-demo"

    @property
    def model(self) -> Path:
        """The demo model. Where it lies it has been checked against its SHA-256."""
        return self.home / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"

    @property
    def engine_source(self) -> Path:
        """What the tests read of the engine's source package, laid out as llama.cpp has it."""
        return self.home / "engine-source"

    @property
    def model_signing(self) -> Path:
        """The environment of another program that the tests ask."""
        return self.home / "model-signing"


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` so that the file is there complete or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
