"""Adapters: what is none, what fits no model, and what llama.cpp makes of each."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gguf_maker as maker
import llama_loading
from gguf_reading import read
from localai.findings import Finding, Verdict, refused
from localai.gguf.adapter import check_adapter, find_adapter, find_misfits
from localai.gguf.facts import GgufFile, Tensor

LOADED, REFUSED, ENDED = "loaded", "refused", ""
MODEL = maker.model_parts()
GOOD = maker.adapter_parts()
VOCABULARY = len(maker._vocabulary())
EMBEDDING = "token_embd.weight"
F32, I32 = 0, 26  # of a tensor (ggml.h)


def without(name: str) -> list[bytes]:
    """The entries of a good adapter but this one."""
    return [one for one in GOOD.entries if not one.startswith(maker.string(name))]


def replaced(key: str, entry: bytes) -> maker.Parts:
    return GOOD._replace(entries=(*without(key), entry))


def laid_out(*tensors: tuple[str, tuple[int, ...]], kind: int = F32) -> maker.Parts:
    """A good adapter with these tensors instead, all of four-byte numbers."""
    infos, data = [], b""
    for name, shape in tensors:
        infos.append(maker.tensor_info(name, shape, kind, len(data)))
        size = 4
        for length in shape:
            size *= length
        data += struct.pack("<f", 0.1) * (size // 4) + bytes(-size % 32)
    return GOOD._replace(tensors=tuple(infos), data=data)


def pair(name: str, a: Sequence[int], b: Sequence[int]) -> list[tuple[str, tuple[int, ...]]]:
    return [(f"{name}.lora_a", tuple(a)), (f"{name}.lora_b", tuple(b))]


Q, WIDTH = "blk.0.attn_q.weight", maker.WIDTH
SQUARE = pair(Q, (WIDTH, 2), (2, WIDTH))


# What is no adapter that can be loaded: the file, the finding, and what llama.cpp does with it.
FLAWED: dict[str, tuple[maker.Parts, str, str]] = {
    "a model": (MODEL, "not an adapter", REFUSED),
    "a projector": (
        maker.adapter_parts(metadata={"general.type": "mmproj"}),
        "not an adapter",
        REFUSED,
    ),
    "another method": (
        maker.adapter_parts(metadata={"adapter.type": "ia3"}),
        "not a LoRA",
        REFUSED,
    ),
    "a method that is a number": (
        replaced("adapter.type", maker.entry("adapter.type", maker.U32, 1)),
        "not a LoRA",
        ENDED,
    ),
    "a strength that is an integer": (
        maker.adapter_parts(alpha=maker.entry("adapter.lora.alpha", maker.U32, 16)),
        "a LoRA that llama.cpp cannot read",
        ENDED,
    ),
    "a strength that is no number": (
        maker.adapter_parts(alpha=maker.entry("adapter.lora.alpha", maker.F32, float("nan"))),
        "no strength",
        LOADED,
    ),
    "switched on by words": (
        GOOD._replace(
            entries=(
                *GOOD.entries,
                maker.entry_array("adapter.alora.invocation_tokens", maker.U32, [1, 2]),
            )
        ),
        "to be switched on by a prompt",
        LOADED,
    ),
    "half a pair": (laid_out(*SQUARE[:1]), "tensors of something else", REFUSED),
    "a tensor of a model": (
        laid_out(*SQUARE, (Q, (WIDTH, WIDTH))),
        "tensors of something else",
        REFUSED,
    ),
    "whole numbers": (laid_out(*SQUARE, kind=I32), "tensors of something else", ENDED),
    "nothing": (laid_out(), "no weights", LOADED),
}

# What is an adapter of another model.
MISFITS: dict[str, tuple[maker.Parts, str, str]] = {
    "architecture": (
        maker.adapter_parts(metadata={"general.architecture": "qwen2"}),
        "for another architecture",
        REFUSED,
    ),
    "a block beyond the last": (
        laid_out(*pair("blk.9.attn_q.weight", (WIDTH, 2), (2, WIDTH))),
        "for another model",
        REFUSED,
    ),
    "columns": (laid_out(*pair(Q, (WIDTH + 1, 2), (2, WIDTH))), "for another model", REFUSED),
    "rows": (laid_out(*pair(Q, (WIDTH, 2), (2, WIDTH + 1))), "for another model", REFUSED),
    "ranks": (laid_out(*pair(Q, (WIDTH, 2), (3, WIDTH))), "for another model", REFUSED),
    "a third dimension": (
        laid_out(*pair(Q, (WIDTH, 2, 2), (2, WIDTH, 2))),
        "for another model",
        ENDED,
    ),
    "an embedding that lies like a matrix": (
        laid_out(*pair(EMBEDDING, (WIDTH, 2), (2, VOCABULARY))),
        "for another model",
        REFUSED,
    ),
    "ranks of an embedding": (
        laid_out(*pair(EMBEDDING, (2, VOCABULARY), (3, WIDTH))),
        "for another model",
        ENDED,
    ),
}
FITTING = {
    "the good one": GOOD,
    "an embedding": laid_out(*pair(EMBEDDING, (2, VOCABULARY), (2, WIDTH))),
    "norms besides": laid_out(*SQUARE, ("blk.0.attn_norm.weight", (WIDTH,))),
    "no strength stated": GOOD._replace(entries=tuple(without("adapter.lora.alpha"))),
}


def misfits(parts: maker.Parts, model: maker.Parts = MODEL) -> list[Finding]:
    file = read(parts)
    assert not refused(check_adapter(file))
    return find_misfits(file, [read(model)])


def load(directory: Path, adapter: maker.Parts, model: maker.Parts = MODEL) -> str:
    """What llama.cpp does with it, and with a first token."""
    return llama_loading.load(model.bytes(), directory, adapter=adapter.bytes())


@pytest.mark.parametrize("name", FITTING)
def test_what_fits_passes_and_is_loaded(name: str, tmp_path: Path) -> None:
    assert misfits(FITTING[name]) == []
    assert load(tmp_path, FITTING[name]) == LOADED


@pytest.mark.parametrize("name", FLAWED)
def test_what_is_no_adapter_fails(name: str, tmp_path: Path) -> None:
    parts, summary, outcome = FLAWED[name]
    (finding,) = [one for one in check_adapter(read(parts)) if one.refuses]
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, summary)
    assert finding.evidence
    assert finding.remedy
    assert load(tmp_path, parts) == outcome


@pytest.mark.parametrize("name", MISFITS)
def test_what_is_another_models_fails(name: str, tmp_path: Path) -> None:
    parts, summary, outcome = MISFITS[name]
    (finding,) = misfits(parts)
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, summary)
    assert load(tmp_path, parts) == outcome


def test_a_model_whose_output_is_its_embedding(tmp_path: Path) -> None:
    """llama.cpp would multiply by the adapted embedding twice, and ends over its shape."""
    weights = maker._weights(random.Random(1), VOCABULARY)
    tied = MODEL._replace(**dict(zip(("tensors", "data"), maker._lay_out(
        [one for one in weights if one[0] != "output.weight"]), strict=True)))  # fmt: skip
    adapter = FITTING["an embedding"]
    (finding,) = misfits(adapter, tied)
    assert EMBEDDING in finding.evidence
    assert load(tmp_path, adapter, tied) == ENDED
    assert misfits(GOOD, tied) == []
    assert load(tmp_path, GOOD, tied) == LOADED


def experts(file: GgufFile, name: str, count: int) -> GgufFile:
    """The file with a third dimension for the tensors whose names begin so."""

    def widen(tensor: Tensor) -> Tensor:
        named = tensor.name.startswith(name)
        return tensor._replace(shape=(*tensor.shape, count)) if named else tensor

    return file._replace(tensors=tuple(map(widen, file.tensors)))


@pytest.mark.parametrize(("count", "fits"), [(4, True), (3, False), (5, False)])
def test_as_many_experts_as_the_model_has(count: int, fits: bool) -> None:
    """With fewer, llama.cpp reads beyond the end of the adapter's matrix."""
    model, adapter = experts(read(MODEL), "blk.0.ffn_up", 4), read(GOOD)
    assert (find_misfits(experts(adapter, "blk.0.ffn_up", count), [model]) == []) is fits


def test_what_an_adapter_is_told_to_be() -> None:
    (finding,) = check_adapter(read(GOOD))
    assert (finding.verdict, finding.evidence) == (Verdict.PASS, "llama, rank 2, F32")
    (passed, note) = check_adapter(read(FITTING["norms besides"]))
    assert (passed.verdict, note.verdict) == (Verdict.PASS, Verdict.NOTE)
    assert "attn_norm" in note.evidence


def test_a_part_of_a_set_is_none() -> None:
    parts = GOOD._replace(entries=(*GOOD.entries, maker.entry("split.count", maker.U16, 2)))
    (finding,) = [one for one in check_adapter(read(parts)) if one.refuses]
    assert (finding.check, finding.verdict) == ("gguf-set", Verdict.FAIL)


READ = (read(GOOD), read(MODEL))
BASES = (Q, EMBEDDING, "output.weight", "blk.0.ffn_up.weight", "blk.9.attn_q.weight", "")
ENDS = (".lora_a", ".lora_b", "", "_norm.weight", ".lora_a.lora_a")
SIDES = st.sampled_from((2, 3, WIDTH, VOCABULARY))
SHAPES = st.tuples(SIDES, SIDES, st.sampled_from((1, 1, 2)))
TYPES = st.sampled_from(("F32", "F32", "F16", "Q8_0", "I32", "F64"))
Drawn = tuple[str, tuple[int, ...], str]


@st.composite
def pairs(draw: st.DrawFn) -> list[Drawn]:
    """Two matrices that nearly fit: each of the numbers may be another."""
    base = draw(st.sampled_from((Q, EMBEDDING)))
    down, up = ((WIDTH, 2, 1), (2, WIDTH, 1)) if base == Q else ((2, VOCABULARY, 1), (2, WIDTH, 1))
    shapes = [list(down), list(up)]
    for _ in range(draw(st.integers(0, 2))):
        shapes[draw(st.integers(0, 1))][draw(st.integers(0, 2))] = draw(SIDES)
    return [
        (base + end, tuple(shape), draw(TYPES)) for end, shape in zip(ENDS, shapes, strict=False)
    ]


@st.composite
def strangers(draw: st.DrawFn) -> list[Drawn]:
    return [(draw(st.sampled_from(BASES)) + draw(st.sampled_from(ENDS)), draw(SHAPES), draw(TYPES))]


def llama_cpp_takes(file: GgufFile, model: GgufFile) -> bool:
    """The same rules from the other end: from each tensor to what would be computed of it."""
    theirs, mine = ({one.name: one for one in whole.tensors} for whole in (model, file))
    for name, tensor in mine.items():
        base = name[: -len(".lora_a")]
        if tensor.type in ("I32", "F64"):
            return False
        if name.endswith("_norm.weight"):
            continue
        if not name.endswith((".lora_a", ".lora_b")) or base not in theirs:
            return False
        if {f"{base}.lora_a", f"{base}.lora_b"} - set(mine):
            return False
        down, up, whole = (
            (*one.shape, 1, 1, 1)[:4]
            for one in (mine[f"{base}.lora_a"], mine[f"{base}.lora_b"], theirs[base])
        )
        if base == EMBEDDING:
            down = (down[1], down[0], *down[2:])
            whole = (whole[1], whole[0], *whole[2:])
        product = (down[0], up[1]) if down[1] == up[0] else None
        if product != whole[:2] or not down[2:] == up[2:] == whole[2:]:
            return False
    return True


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(pairs(), max_size=2), st.one_of(st.just([]), strangers()))
def test_whatever_the_tensors_are(paired: list[list[Drawn]], alone: list[Drawn]) -> None:
    """Names, shapes and types as nobody makes them: what passes, llama.cpp can multiply."""
    drawn = [*alone, *(one for both in paired for one in both)]
    tensors = {name: Tensor(name, shape, kind, 0, 0) for name, shape, kind in drawn}
    adapter, model = READ[0]._replace(tensors=tuple(tensors.values())), READ[1]
    findings = find_adapter(adapter)
    if not refused(findings):
        findings += find_misfits(adapter, [model])
    adapts = any(name.endswith(".lora_a") for name in tensors)
    assert refused(findings) is not (adapts and llama_cpp_takes(adapter, model))
