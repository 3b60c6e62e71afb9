"""A small model of each architecture whose shapes are judged: sound where the engine loads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path

import pytest

import gguf_maker as maker
from llama_loading import load
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.shapes import KNOWN

Opened = Callable[[bytes], OpenGguf]
Shapes = Mapping[str, tuple[int, ...]]
WIDE, INNER, HEAD = maker.WIDTH, maker.INNER, maker.WIDTH // maker.HEADS
NORMS = {"attn_q_norm": (HEAD,), "attn_k_norm": (HEAD,)}
POSTS = {"post_attention_norm": (WIDE,), "post_ffw_norm": (WIDE,)}
MORE: dict[str, Shapes] = {"qwen3": NORMS, "gemma2": POSTS, "gemma3": NORMS | POSTS}
NUMBERS = {"granite": ("logit_scale", "residual_scale", "embedding_scale", "attention.scale")}


def shapes_of(arch: str) -> Shapes:
    """The tensors of a model of this architecture."""
    block: dict[str, tuple[int, ...]] = {"attn_norm": (WIDE,), "ffn_norm": (WIDE,)}
    block |= {"attn_output": (WIDE, WIDE), "ffn_down": (INNER, WIDE)}
    if arch == "phi3":
        block |= {"attn_qkv": (WIDE, 3 * WIDE), "ffn_up": (WIDE, 2 * INNER)}
    else:
        block |= {f"attn_{which}": (WIDE, WIDE) for which in "qkv"}
        block |= {"ffn_gate": (WIDE, INNER), "ffn_up": (WIDE, INNER)}
    block |= MORE.get(arch, {})
    whole = {"token_embd": (WIDE, len(maker._vocabulary())), "output_norm": (WIDE,)}
    return whole | {
        f"blk.{number}.{name}": shape
        for number in range(maker.LAYERS)
        for name, shape in block.items()
    }


def make(arch: str, numbers: Mapping[str, int], shapes: Shapes) -> bytes:
    """A model of zeros, with these numbers in place of its own."""
    entries = [maker.entry("general.architecture", maker.STRING, arch)]
    for entry in maker.model_parts().entries:
        key, rest = _split(entry)
        word = key.removeprefix("llama.")
        if word != key and word not in numbers:
            entries.append(maker.string(f"{arch}.{word}") + rest)
        elif word == key != "general.architecture":
            entries.append(entry)
    entries += [maker.entry(f"{arch}.{key}", maker.U32, value) for key, value in numbers.items()]
    entries += [maker.entry(f"{arch}.{key}", maker.F32, 1.0) for key in NUMBERS.get(arch, ())]
    infos, data = maker._lay_out(
        [(f"{name}.weight", shape, bytes(4 * prod(shape))) for name, shape in shapes.items()]
    )
    return maker.Parts(tuple(entries), infos, data).bytes()


def _split(entry: bytes) -> tuple[str, bytes]:
    end = 8 + int.from_bytes(entry[:8], "little")
    return entry[8:end].decode(), entry[end:]


@pytest.mark.parametrize("arch", sorted(KNOWN))
def test_a_sound_model_passes(arch: str, opened: Opened, tmp_path: Path) -> None:
    content = make(arch, {}, shapes_of(arch))
    assert load(content, tmp_path) == "loaded"
    assert [one for one in inspect([opened(content)]) if one.refuses] == []


@pytest.mark.parametrize("arch", sorted(KNOWN))
@pytest.mark.parametrize("tensor", ["attn_output", "ffn_up"])
def test_a_missing_tensor_fails(arch: str, tensor: str, opened: Opened, tmp_path: Path) -> None:
    shapes = {name: of for name, of in shapes_of(arch).items() if name != f"blk.1.{tensor}"}
    content = make(arch, {}, shapes)
    assert load(content, tmp_path) == "refused"
    refused = [one for one in inspect([opened(content)]) if one.refuses]
    assert [one.evidence for one in refused] == [f"'blk.1.{tensor}.weight'"]


@pytest.mark.parametrize("arch", sorted(KNOWN))
@pytest.mark.parametrize(
    ("key", "value"), [("feed_forward_length", 32), ("attention.head_count_kv", 1)]
)
def test_another_size_fails(
    arch: str, key: str, value: int, opened: Opened, tmp_path: Path
) -> None:
    content = make(arch, {key: value}, shapes_of(arch))
    assert load(content, tmp_path) == "refused"
    refused = [one for one in inspect([opened(content)]) if one.refuses]
    assert [one.summary for one in refused] == ["tensors of another model"]
