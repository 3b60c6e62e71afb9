"""What a worker keeps of a model's files once it is loaded: nothing, where a GPU has all layers.

Here llama.cpp is only told that there is a GPU, and puts the layers into memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from conftest import Worker
from localai.worker.protocol import Done, Message, Sampling

Start = Callable[..., Worker]
GPU = "lib.llama_supports_gpu_offload = lambda: True\n"
NO_GPU = "lib.llama_supports_gpu_offload = lambda: False\n"
NEVER_CLOSE = "os.close = lambda descriptor: None\n"
LET_GO = {"let_go": True, "gpu_layers": -1}


def held(worker: Worker, *files: Path) -> set[tuple[str, str]]:
    """Which of ``files`` the loaded worker has mapped, and which open."""
    worker.client.ready()
    process = Path(f"/proc/{worker.process.pid}")
    maps = (process / "maps").read_text()
    links = [str(one.readlink()) for one in (process / "fd").iterdir()]
    mapped = {("mapped", file.name) for file in files if str(file) in maps}
    return mapped | {("open", file.name) for file in files if str(file) in links}


def ask(worker: Worker) -> str:
    *pieces, done = worker.client.generate([Message("user", "hi")], Sampling(24, 0.0, 1.0, 1))
    assert isinstance(done, Done)
    return "".join(map(str, pieces))


def test_nothing_is_kept_and_it_says_the_same(start: Start, tiny_model: Path) -> None:
    kept, let_go = start(tiny_model), start(tiny_model, before=GPU, **LET_GO)
    assert held(kept, tiny_model) == {("mapped", tiny_model.name)}
    assert held(let_go, tiny_model) == set()
    assert ask(let_go) == ask(kept) != ""


def test_without_a_gpu_that_can_be_used_it_is_mapped(start: Start, tiny_model: Path) -> None:
    worker = start(tiny_model, before=NO_GPU, **LET_GO)
    assert held(worker, tiny_model) == {("mapped", tiny_model.name)}


def test_an_open_descriptor_would_keep_it(start: Start, tiny_model: Path) -> None:
    worker = start(tiny_model, before=GPU + NEVER_CLOSE, **LET_GO)
    assert held(worker, tiny_model) == {("open", tiny_model.name)}


@pytest.mark.parametrize("options", [{}, LET_GO], ids=["mapped", "let-go"])
def test_an_adapter_is_never_kept(
    start: Start, tiny_model: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    style = tmp_path / "style.gguf"
    style.write_bytes(maker.make_adapter())
    worker = start(tiny_model, style, before=GPU, adapters=[1.0], **options)
    assert held(worker, tiny_model, style) == (set() if options else {("mapped", tiny_model.name)})
    assert ask(worker) not in ("", ask(start(tiny_model)))
