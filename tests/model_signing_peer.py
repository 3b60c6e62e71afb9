"""The library model_signing, as the tests' second opinion about bundles.

It lives in an environment of its own, which ``scripts/test`` makes, and runs in children.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("model_signing_child.py")
MADE = Path(__file__).resolve().parent.parent / ".localai-demo" / "model-signing"
WITHOUT = (
    "NO OTHER PROGRAM JUDGED THE BUNDLES: set LOCALAI_TEST_MODEL_SIGNING to a Python that has "
    "model-signing 1.1.1, or run scripts/test"
)

_SIGN_HASHED = """
import sys
from model_signing import hashing, signing
model, private, bundle, way = sys.argv[1:]
hashed = hashing.Config()
if way == "shards":
    hashed.use_shard_serialization()
else:
    hashed.use_file_serialization(hashing_algorithm=way)
signer = signing.Config().use_elliptic_key_signer(private_key=private)
signer.set_hashing_config(hashed).sign(model, bundle)
"""


class ModelSigning:
    """The program and the library, run by the Python at ``python``."""

    def __init__(self, python: str, home: Path) -> None:
        self._python = python
        self._environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """``model_signing`` with these arguments."""
        return self._call("-m", "model_signing", *arguments)

    def sign(self, model: Path, private: Path, bundle: Path, *more: str) -> bytes:
        """The bundle that it makes of a model with a private key."""
        named = ("--private_key", private, "--signature", bundle, *more)
        done = self.run("sign", "key", *named, model)
        assert done.returncode == 0, done.stderr
        return bundle.read_bytes()

    def sign_hashed(self, model: Path, private: Path, bundle: Path, way: str) -> bytes:
        """The bundle that its library makes with another hash, or of ``shards`` of files."""
        done = self._call("-c", _SIGN_HASHED, model, private, bundle, way)
        assert done.returncode == 0, done.stderr
        return bundle.read_bytes()

    def judge(self, questions: Iterable[tuple[Path, Path, Path]]) -> list[str]:
        """What it says of bundles, each with a public key and a model: "" if all is well."""
        lines = "".join(json.dumps([str(path) for path in one]) + "\n" for one in questions)
        done = self._call(CHILD, said=lines)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')]

    def _call(self, *arguments: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._python, "-I", *arguments],
            env=self._environ,
            input=said,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


def find_model_signing(home: Path) -> ModelSigning:
    """The one that was named or made. Skips the test without it."""
    python = os.environ.get("LOCALAI_TEST_MODEL_SIGNING") or str(MADE / "bin" / "python")
    if not Path(python).exists():
        pytest.skip(WITHOUT)
    return ModelSigning(python, home)
