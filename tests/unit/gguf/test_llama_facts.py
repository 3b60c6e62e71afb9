"""What the reader finds in a file is what llama.cpp finds in it, to the last token."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

import gguf_maker as maker
from gguf_cases import ACCEPTED, make_case
from llama_gguf import LlamaCpp, library_path, read_ours
from localai.gguf.types import TENSOR_TYPES

VOCABULARIES = 19  # that the engine's source carries


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaCpp]:
    parser = LlamaCpp()
    yield parser
    parser.close()


def test_llama_cpps_vocabularies_are_read_as_it_reads_them(
    engine_source: Path, llama: LlamaCpp
) -> None:
    paths = sorted((engine_source / "models").glob("ggml-vocab-*.gguf"))
    assert len(paths) >= VOCABULARIES
    for path in paths:
        document = path.read_bytes()
        answer = llama.read(document)
        assert answer.facts is not None, path.name
        assert "tokenizer.ggml.tokens" in [entry[0] for entry in answer.facts["metadata"]]
        assert read_ours(document) == answer.facts, path.name


def test_the_demo_model_is_read_as_llama_cpp_reads_it(demo_model: Path, llama: LlamaCpp) -> None:
    document = demo_model.read_bytes()
    answer = llama.read(document, data=True)
    assert answer.facts is not None
    assert len(answer.facts["tensors"]) == 272
    assert read_ours(document) == answer.facts


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_what_both_take_they_read_alike(name: str, llama: LlamaCpp) -> None:
    for seed in range(20):
        document = make_case(name, seed)
        assert read_ours(document) == llama.read(document).facts, seed


def test_a_tiny_model_and_every_part_of_a_set_are_read_alike(llama: LlamaCpp) -> None:
    version_2 = maker.model_parts()._replace(version=2).bytes()
    for document in (maker.make_model(), *maker.make_split(), version_2):
        assert read_ours(document) == llama.read(document, data=True).facts


@pytest.mark.parametrize("change", ["token", "score", "scalar", "name", "shape"])
def test_one_thing_that_differs_would_be_seen(change: str, llama: LlamaCpp) -> None:
    whole = maker.make_model()
    before, after = {
        "token": (maker.string("\u2581the"), maker.string("\u2581thd")),
        "score": (maker.value(maker.F32, -300.0), maker.value(maker.F32, -300.5)),
        "scalar": (maker.value(maker.F32, 1e-5), maker.value(maker.F32, 2e-5)),
        "name": (maker.string("blk.1.ffn_up.weight"), maker.string("blk.1.ffn_uq.weight")),
        "shape": (
            maker.tensor_info("blk.0.attn_q.weight", (32, 32), 0, 0)[:-8],
            maker.tensor_info("blk.0.attn_q.weight", (16, 64), 0, 0)[:-8],
        ),
    }[change]
    assert whole.count(before) == 1
    assert read_ours(whole) != llama.read(whole.replace(before, after)).facts


def test_no_type_of_a_tensor_is_missing() -> None:
    library = ctypes.CDLL(str(library_path()))
    library.ggml_blck_size.restype = ctypes.c_int64
    last = max(TENSOR_TYPES)
    known = [number for number in range(last + 1) if library.ggml_blck_size(number)]
    assert known == sorted(TENSOR_TYPES)
    parts = maker.Parts(tensors=(maker.tensor_info("t", [256], last + 1, 0),), data=bytes(4096))
    parser = LlamaCpp()
    answer = parser.read(parts.bytes())
    parser.close()
    assert f"should be in [0, {last + 1})" in answer.said
