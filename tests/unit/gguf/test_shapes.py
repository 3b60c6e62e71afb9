"""Tensors against the metadata that says what they must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.findings import Verdict
from localai.gguf.facts import GgufFile, Scalar, Tensor
from localai.gguf.inspect import OpenGguf
from localai.gguf.shapes import MOST_BLOCKS, find_shapes

Opened = Callable[[bytes], OpenGguf]


@pytest.fixture
def model(opened: Opened) -> GgufFile:
    return opened(maker.make_model()).header


def saying(file: GgufFile, **values: Scalar) -> GgufFile:
    """The file with other values under the architecture's keys."""
    named = {f"llama.{key.replace('__', '.')}": value for key, value in values.items()}
    return file._replace(metadata={**file.metadata, **named})


def with_tensor(file: GgufFile, name: str, *shape: int) -> GgufFile:
    """The file with this tensor, in place of one of its name."""
    kept = tuple(tensor for tensor in file.tensors if tensor.name != name)
    return file._replace(tensors=(*kept, Tensor(name, shape, "F32", 0, 0)))


def test_models_are_what_they_say(model: GgufFile, opened: Opened, demo_model: Path) -> None:
    assert find_shapes([model]) == []
    assert find_shapes([opened(part).header for part in maker.make_split()]) == []
    assert find_shapes([opened(demo_model.read_bytes()).header]) == []


@pytest.mark.parametrize(
    ("key", "value", "tensor"),
    [
        ("embedding_length", 64, "token_embd.weight"),
        ("feed_forward_length", 32, "blk.0.ffn_gate.weight"),
        ("attention__head_count_kv", 1, "blk.0.attn_k.weight"),
        ("attention__key_length", 8, "blk.0.attn_q.weight"),
        ("attention__value_length", 8, "blk.0.attn_v.weight"),
        ("block_count", 1, "blk.1.attn_norm.weight"),
    ],
)
def test_sizes_of_another_model_fail(model: GgufFile, key: str, value: int, tensor: str) -> None:
    (finding,) = find_shapes([saying(model, **{key: value})])
    assert (finding.check, finding.verdict) == ("gguf-shapes", Verdict.FAIL)
    assert finding.summary == "tensors of another model"
    assert finding.evidence.startswith(tensor)


def test_a_vocabulary_larger_than_its_embeddings_fails(model: GgufFile) -> None:
    rows = next(one.shape[1] for one in model.tensors if one.name == "token_embd.weight")
    (finding,) = find_shapes([with_tensor(model, "token_embd.weight", maker.WIDTH, rows - 1)])
    assert finding.evidence == (
        f"token_embd.weight is {maker.WIDTH} x {rows - 1}; expected {maker.WIDTH} x {rows}"
    )


@pytest.mark.parametrize(
    "name",
    ["token_embd.weight", "output_norm.weight", "blk.1.attn_k.weight", "blk.0.ffn_up.weight"],
)
def test_a_missing_tensor_fails(model: GgufFile, name: str) -> None:
    kept = tuple(tensor for tensor in model.tensors if tensor.name != name)
    (finding,) = find_shapes([model._replace(tensors=kept)])
    assert (finding.summary, finding.evidence) == ("missing tensors", repr(name))


def test_a_block_more_than_there_is_fails(model: GgufFile) -> None:
    (finding,) = find_shapes([saying(model, block_count=3)])
    assert finding.summary == "missing tensors"
    assert finding.evidence.startswith("'blk.2.attn_norm.weight'")


@pytest.mark.parametrize(("heads", "kept"), [(2, 3), (3, 2), (0, 0), (2, 0), (-2, 2)])
def test_heads_must_divide(model: GgufFile, heads: int, kept: int) -> None:
    said = saying(model, attention__head_count=heads, attention__head_count_kv=kept)
    assert "heads that do not divide" in [finding.summary for finding in find_shapes([said])]


@pytest.mark.parametrize("count", [0, -1, MOST_BLOCKS + 1, 2**63])
@pytest.mark.parametrize("arch", ["llama", "unheard-of"])
def test_an_impossible_number_of_blocks_fails(model: GgufFile, count: int, arch: str) -> None:
    metadata = {"general.architecture": arch, f"{arch}.block_count": count}
    (finding,) = find_shapes([model._replace(metadata=metadata)])
    assert finding.summary == "an impossible number of blocks"


def test_what_is_not_known_is_not_judged_and_that_is_said(model: GgufFile) -> None:
    metadata = {"general.architecture": "unheard-of", "unheard-of.block_count": 7}
    (finding,) = find_shapes([model._replace(metadata=metadata)])
    assert (finding.verdict, finding.summary) == (Verdict.NOTE, "shapes not judged")
    odd = with_tensor(model, "blk.0.attn_gizmo.weight", 3, 5, 7)
    assert find_shapes([odd]) == []
    assert find_shapes([with_tensor(model, "output_norm.weight", maker.WIDTH, 1)]) == []


def test_experts_take_the_place_of_the_network(model: GgufFile) -> None:
    said = saying(model, expert_count=4)
    assert [one.summary for one in find_shapes([said])] == ["missing tensors"]
    for block in range(maker.LAYERS):
        wide, inner = maker.WIDTH, maker.INNER
        said = with_tensor(said, f"blk.{block}.ffn_gate_inp.weight", wide, 4)
        said = with_tensor(said, f"blk.{block}.ffn_up_exps.weight", wide, inner, 4)
        said = with_tensor(said, f"blk.{block}.ffn_down_exps.weight", inner, wide, 4)
    assert find_shapes([said]) == []
