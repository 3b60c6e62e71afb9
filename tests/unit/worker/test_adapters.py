"""Adapters in the engine: what they change, how strongly, and what is no adapter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.errors import WorkerError
from localai.worker.engine import Engine, EngineOptions
from localai.worker.protocol import Sampling

GREEDY = Sampling(24, 0.0, 1.0, 1)
Answer = Callable[..., str]


@pytest.fixture
def answer(tmp_path: Path, tiny_bytes: bytes) -> Answer:
    """What the tiny model says with these adapters, each with its scale."""

    def ask(*adapters: tuple[bytes, float], model: bytes = tiny_bytes) -> str:
        files = []
        for number, content in enumerate((model, *(content for content, _ in adapters))):
            path = tmp_path / f"{number}.gguf"
            path.write_bytes(content)
            files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        try:
            options = EngineOptions(None, 1, adapters=[scale for _, scale in adapters])
            engine = Engine.load(files, options)
        finally:
            for file in files:
                os.close(file)
        pieces: list[str] = []
        prompt = engine.tokenize("<s>user: hi</s>")
        engine.generate(prompt, GREEDY, pieces.append, lambda: False)
        return "".join(pieces)

    return ask


FIRST, SECOND = maker.make_adapter(), maker.make_adapter(seed=2)


def test_an_adapter_changes_the_answer_as_strongly_as_it_is_told(answer: Answer) -> None:
    answers = [answer(), answer((FIRST, 1.0)), answer((FIRST, 0.5)), answer((SECOND, 1.0))]
    assert len(set(answers)) == 4
    assert answer((FIRST, 1e-9)) == answers[0]
    assert answer((FIRST, 1.0)) == answers[1]


def test_its_own_strength_and_ours_are_one_product(answer: Answer) -> None:
    half = maker.adapter_parts(alpha=maker.entry("adapter.lora.alpha", maker.F32, 8.0))
    assert answer((half.bytes(), 1.0)) == answer((FIRST, 0.5))


def test_several_are_added(answer: Answer) -> None:
    both = answer((FIRST, 1.0), (SECOND, 1.0))
    assert both not in (answer((FIRST, 1.0)), answer((SECOND, 1.0)))
    assert answer(*[(FIRST, 0.125)] * 8) == answer((FIRST, 1.0))


def test_of_a_set_the_files_after_its_parts(answer: Answer, tmp_path: Path) -> None:
    files = []
    for number, content in enumerate((*maker.make_split(), FIRST)):
        (tmp_path / f"part-{number}").write_bytes(content)
        files.append(os.open(tmp_path / f"part-{number}", os.O_RDONLY | os.O_CLOEXEC))
    engine = Engine.load(files, EngineOptions(None, 1, adapters=[1.0]))
    for file in files:
        os.close(file)
    pieces: list[str] = []
    engine.generate(engine.tokenize("<s>user: hi</s>"), GREEDY, pieces.append, lambda: False)
    assert "".join(pieces) == answer((FIRST, 1.0))


def test_what_is_none_is_told_in_llama_cpps_words(answer: Answer, tiny_bytes: bytes) -> None:
    with pytest.raises(WorkerError, match=r"cannot load the adapter: .*expect general\.type"):
        answer((tiny_bytes, 1.0))


def test_it_is_loaded_from_its_descriptor(tiny_bytes: bytes) -> None:
    """After every way to open a file but one descriptor was taken away."""
    program = (
        "import os, resource, sys\n"
        "from localai.worker.engine import Engine, EngineOptions\n"
        "files = [int(fd) for fd in sys.argv[1:]]\n"
        "free = os.dup(files[0])\n"  # the engine duplicates one at a time
        "os.close(free)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, free + 1))\n"
        "engine = Engine.load(files, EngineOptions(None, 1, adapters=[1.0]))\n"
        "print(engine.context)\n"
    )
    files = [os.memfd_create("test") for _ in range(2)]
    try:
        for file, content in zip(files, (tiny_bytes, FIRST), strict=True):
            os.write(file, content)
        ran = subprocess.run(
            [sys.executable, "-c", program, *map(str, files)],
            pass_fds=files,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for file in files:
            os.close(file)
    assert (ran.stderr, ran.stdout) == ("", f"{maker.CONTEXT}\n")
