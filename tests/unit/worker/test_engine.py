"""The engine with a model that nobody has seen, and with the demo model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.errors import WorkerError
from localai.worker.engine import BATCH, Engine, EngineOptions, lib
from localai.worker.protocol import Sampling

TEKKEN = (
    maker.entry("tokenizer.ggml.model", maker.STRING, "gpt2"),
    maker.entry("tokenizer.ggml.pre", maker.STRING, "tekken"),
    maker.entry_array("tokenizer.ggml.merges", maker.STRING, ["t h", "e r"]),
)
GREEDY = Sampling(24, 0.0, 1.0, 1)


def load(*models: Path, context: int | None = None) -> Engine:
    fds = [os.open(model, os.O_RDONLY | os.O_CLOEXEC) for model in models]
    try:
        return Engine.load(fds, EngineOptions(context, 1))
    finally:
        for fd in fds:
            os.close(fd)


def answer(engine: Engine, prompt: list[int], sampling: Sampling = GREEDY) -> str:
    pieces: list[str] = []
    engine.generate(prompt, sampling, pieces.append, lambda: False)
    return "".join(pieces)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    path.write_bytes(maker.make_model())
    return load(path)


@pytest.fixture(scope="module")
def demo(demo_model: Path) -> Engine:
    return load(demo_model, context=1024)


def test_an_unseen_model_answers(tiny: Engine) -> None:
    assert (tiny.context, tiny.bos, tiny.eos) == (maker.CONTEXT, "<s>", "</s>")
    assert tiny.template == maker.TEMPLATE
    prompt = tiny.tokenize("<s>user: the other thing</s>")
    pieces: list[str] = []
    outcome = tiny.generate(prompt, GREEDY, pieces.append, lambda: False)
    assert outcome.stop in ("stop", "length")
    assert 0 < outcome.generated_tokens <= 24
    assert "".join(pieces)


def test_no_template_is_none_even_where_llama_cpp_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 layers and the tokenizer "tekken" are all by which llama.cpp knows the model."""
    monkeypatch.setattr(maker, "LAYERS", 40)
    parts = maker.model_parts(template=None)
    kept = [
        one for one in parts.entries if not one.startswith(maker.string("tokenizer.ggml.model"))
    ]
    path = tmp_path / "tekken.gguf"
    path.write_bytes(parts._replace(entries=(*kept, *TEKKEN)).bytes())
    engine = load(path)
    assert lib.llama_model_chat_template(engine._model, None) == b"mistral-v7-tekken"
    assert engine.template is None


def test_an_empty_template_is_none(tmp_path: Path) -> None:
    """Rendered, it would leave out whatever is said."""
    path = tmp_path / "empty.gguf"
    path.write_bytes(maker.make_model(template=""))
    assert load(path).template is None


def test_the_first_token_stands_once(tiny: Engine) -> None:
    assert tiny.tokenize("<s>a")[:1] == tiny.tokenize("a")[:1] == [1]
    assert tiny.tokenize("<s>a").count(1) == tiny.tokenize("a").count(1) == 1


def test_the_demo_model_knows_the_capital_of_france(demo: Engine) -> None:
    prompt = demo.tokenize(
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    )
    pieces: list[str] = []
    outcome = demo.generate(prompt, GREEDY, pieces.append, lambda: False)
    assert outcome.stop == "stop"
    assert "Paris" in "".join(pieces)
    assert "<|im_end|>" not in "".join(pieces)


def test_it_opens_no_file_and_loads_a_file_without_a_name(tiny_bytes: bytes) -> None:
    """From an unlinked descriptor, after every way to open a file was taken away."""
    program = (
        "import os, resource, sys\n"
        "from localai.worker.engine import Engine, EngineOptions\n"
        "from localai.worker.protocol import Sampling\n"
        "fd = int(sys.argv[1])\n"
        "engine_fd = os.dup(fd)\n"  # the engine duplicates once: leave it room for exactly that
        "os.close(engine_fd)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (engine_fd + 1, engine_fd + 1))\n"
        "engine = Engine.load([fd], EngineOptions(None, 2))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n"
        "out = []\n"
        "engine.generate(engine.tokenize('hi'), Sampling(3, 0.8, 0.9, 1), out.append, bool)\n"
        "print(engine.context)\n"
    )
    fd = os.memfd_create("model")
    try:
        os.write(fd, tiny_bytes)
        ran = subprocess.run(
            [sys.executable, "-c", program, str(fd)],
            pass_fds=(fd,),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(fd)
    assert (ran.stderr, ran.stdout) == ("", f"{maker.CONTEXT}\n")


def test_a_split_set_is_the_same_model(tiny: Engine, tmp_path: Path) -> None:
    paths = []
    for number, data in enumerate(maker.make_split()):
        paths.append(tmp_path / f"any-name-{number}")
        paths[-1].write_bytes(data)
    prompt = tiny.tokenize("the same")
    assert answer(load(*paths), prompt) == answer(tiny, prompt)
    with pytest.raises(WorkerError, match="cannot load the model"):
        load(*reversed(paths))
    with pytest.raises(WorkerError, match="cannot load the model"):
        load(paths[0])


def test_greedy_and_seeded_answers_repeat(demo: Engine) -> None:
    prompt = demo.tokenize("Once upon a time")
    warm = Sampling(24, 1.2, 0.95, 42)
    assert answer(demo, prompt) == answer(demo, prompt)
    assert answer(demo, prompt, warm) == answer(demo, prompt, warm)
    assert answer(demo, prompt, warm) != answer(demo, prompt, Sampling(24, 1.2, 0.95, 43))


def test_what_is_in_memory_is_not_evaluated_again(demo: Engine) -> None:
    story = demo.tokenize("Once upon a time there was a king who")
    fresh = answer(demo, story)
    other = demo.tokenize("Once upon a time there was a queen and")
    shared = next(i for i, (a, b) in enumerate(zip(story, other, strict=False)) if a != b)
    outcome = demo.generate(other, GREEDY, lambda _text: None, lambda: False)
    assert outcome.reused_tokens == shared
    outcome = demo.generate(story, GREEDY, lambda _text: None, lambda: False)
    assert outcome.reused_tokens == shared
    assert answer(demo, story) == fresh


def test_long_prompts_go_in_batches(demo: Engine) -> None:
    prompt = demo.tokenize("word " * 700 + "\nThe word above is")
    assert BATCH < len(prompt) < demo.context
    assert answer(demo, prompt, Sampling(3, 0.0, 1.0, 1)).strip()


@pytest.mark.parametrize("size", [0, maker.CONTEXT, maker.CONTEXT + 1])
def test_a_prompt_that_does_not_fit(tiny: Engine, size: int) -> None:
    with pytest.raises(WorkerError, match=f"{size} tokens; expected 1 to {maker.CONTEXT - 1}"):
        answer(tiny, [5] * size)


def test_an_answer_ends_where_the_context_does(tiny: Engine) -> None:
    prompt = [5] * (maker.CONTEXT - 4)
    outcome = tiny.generate(prompt, Sampling(None, 0, 1, 1), lambda _text: None, lambda: False)
    assert (outcome.stop, outcome.generated_tokens) in (("length", 4), ("stop", 3), ("stop", 2))


def test_cancelling_between_tokens(demo: Engine) -> None:
    pieces: list[str] = []
    prompt = demo.tokenize("Once upon a time")
    outcome = demo.generate(prompt, GREEDY, pieces.append, lambda: len(pieces) >= 3)
    assert (outcome.stop, outcome.generated_tokens) == ("cancelled", 3)


def test_cancelling_in_the_middle_of_a_prompt(demo: Engine) -> None:
    """Within one batch: llama.cpp itself is stopped, and what it left does no harm after."""
    short = demo.tokenize("Once upon a time")
    expected = answer(demo, short)
    calls: Iterator[bool] = iter([False] * 20)
    prompt = demo.tokenize("something else " * 150)
    assert len(prompt) < BATCH
    outcome = demo.generate(prompt, GREEDY, lambda _text: None, lambda: next(calls, True))
    assert (outcome.stop, outcome.generated_tokens) == ("cancelled", 0)
    assert answer(demo, short) == expected


def test_characters_arrive_whole(demo: Engine) -> None:
    """A character that needs several tokens is held back until all its bytes are there."""
    pieces: list[str] = []
    prompt = demo.tokenize("Repeat: \U0001f9ff\U0001f9ff\U0001f9ff\U0001f9ff\U0001f9ff \U0001f9ff")
    outcome = demo.generate(prompt, Sampling(12, 0, 1, 1), pieces.append, lambda: False)
    assert "\U0001f9ff" in "".join(pieces)
    assert len(pieces) < outcome.generated_tokens


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data.replace(b"llama", b"ilama"), "ilama"),
        (lambda data: data[:5000], "cannot load the model"),
        (lambda data: data.replace(b"blk.1.ffn_down", b"blk.1.ffn_clown"[:14]), "ffn_down"),
    ],
    ids=["unknown architecture", "cut off", "missing tensor"],
)
def test_models_that_llama_cpp_refuses(
    damage: object, said: str, tiny_bytes: bytes, tmp_path: Path
) -> None:
    assert callable(damage)
    path = tmp_path / "damaged.gguf"
    path.write_bytes(damage(tiny_bytes))
    with pytest.raises(WorkerError, match=said):
        load(path)


def test_the_context_is_never_more_than_the_models(tiny_model: Path) -> None:
    assert load(tiny_model, context=256).context == 256
    assert load(tiny_model, context=100_000).context == maker.CONTEXT


def test_importing_brings_nothing_that_is_not_used() -> None:
    program = (
        "import sys, localai.worker.service\n"
        "unwanted = {'numpy', 'diskcache', 'pickle', 'hashlib', 'ssl', 'socket', 'subprocess',\n"
        "            'asyncio', 'multiprocessing', 'tempfile', 'llama_cpp.llama', 'yaml'}\n"
        "print(sorted(unwanted & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
