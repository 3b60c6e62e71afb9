"""With all layers on a GPU nobody holds the sealed memory any more once the model is loaded, so the
kernel has it back. Whole starts under every layer.

Two harmless devices stand in for a GPU's, and llama.cpp, which has none, puts the layers into
memory of its own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants import Mutant, Mutants, Workshop

PROGRAM = Path(__file__).with_name("loaded.py")
TERMS = ("--yes", "--source", "example/tiny", "--licence", "Apache-2.0")
DEVICES = Mutant(
    "sandbox/spec.py",
    "    if not any(lib for place",
    '    return ("/dev/zero", "/dev/full")\n    if not any(lib for place',
)
OFFLOAD = Mutant("worker/loading.py", " and lib.llama_supports_gpu_offload()", "")
WORKER_KEEPS = Mutant("worker/service.py", "os.close(descriptor)", "pass")
LAUNCHER_KEEPS = Mutant("launch.py", "cleanup.callback(one.close)", "pass")
MAPPED = "localai-worker mapped"


class Host:
    """An account with an approved model."""

    def __init__(self, workshop: Workshop, place: Path, content: bytes) -> None:
        self._workshop = workshop
        self._environ = {
            "PATH": os.environ["PATH"], "HOME": str(place), "LOCALAI_HOME": str(place / "home")
        }  # fmt: skip
        self._model = place / "tiny.gguf"
        self._model.write_bytes(content)
        self._run((), "-m", "localai", "setup", "--label", "sandbox", "--unencrypted-key")
        self._run((), "-m", "localai", "approve", str(self._model), *TERMS)

    def load(self, *mutants: Mutant) -> tuple[list[str], str]:
        """Who holds the model's sealed memory after a start in a changed copy, and what the model
        says."""
        holders, answer = json.loads(self._run(mutants, str(PROGRAM), str(self._model)))
        return holders, answer

    def _run(self, mutants: Mutants, *words: str) -> str:
        done = self._workshop.run(mutants, lambda _: list(words), self._environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, tiny_bytes: bytes) -> Iterator[Host]:
    if os.getuid():
        pytest.skip("who holds a model's memory was not looked at: only root can")
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # a worker of root's has another account
        yield Host(Workshop(Path(directory)), tmp_path_factory.mktemp("host"), tiny_bytes)


def test_nobody_holds_it_and_the_answer_is_the_same(host: Host) -> None:
    holders, answer = host.load(DEVICES, OFFLOAD)
    assert holders == []
    assert host.load() == ([MAPPED], answer)
    assert answer


def test_a_build_without_a_gpu_maps_it(host: Host) -> None:
    assert host.load(DEVICES)[0] == [MAPPED]


@pytest.mark.parametrize(
    ("mutant", "holder"),
    [(WORKER_KEEPS, "localai-worker open"), (LAUNCHER_KEEPS, "localai open")],
)
def test_each_would_hold_it(host: Host, mutant: Mutant, holder: str) -> None:
    assert host.load(DEVICES, OFFLOAD, mutant)[0] == [holder]
