"""What is found in sizes and tokenizers, against what the engine itself does with the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from llama_loading import load
from localai.gguf.inspect import OpenGguf, inspect

Opened = Callable[[bytes], OpenGguf]
TOKENS = [text for text, _ in maker._vocabulary()]
COUNT = len(TOKENS)


def instead(key: str, *entries: bytes) -> bytes:
    """The model with these entries in place of the one under ``key``."""
    parts = maker.model_parts()
    kept = [entry for entry in parts.entries if not entry.startswith(maker.string(key))]
    return parts._replace(entries=(*kept, *entries)).bytes()


def number(key: str, value: int) -> bytes:
    return instead(f"llama.{key}", maker.entry(f"llama.{key}", maker.U32, value))


def listed(key: str, kind: int, items: list[object]) -> bytes:
    name = f"tokenizer.ggml.{key}"
    return instead(name, maker.entry_array(name, kind, items))


def without(tensor: str) -> bytes:
    """The model without the last of its tensors, which must be ``tensor``."""
    parts = maker.model_parts()
    assert tensor.encode() in parts.tensors[-1]
    return parts._replace(tensors=parts.tensors[:-1]).bytes()


BAD = {
    "another width": number("embedding_length", 64),
    "another inner width": number("feed_forward_length", 32),
    "fewer heads": number("attention.head_count_kv", 1),
    "heads that do not divide": number("attention.head_count_kv", 3),
    "shorter keys": number("attention.key_length", 8),
    "shorter values": number("attention.value_length", 8),
    "a block too few": number("block_count", 1),
    "a block too many": number("block_count", 3),
    "no context": instead("llama.context_length"),
    "a width in other bits": instead(
        "llama.embedding_length", maker.entry("llama.embedding_length", maker.U64, maker.WIDTH)
    ),
    "no blocks": number("block_count", 0),
    "too many blocks": number("block_count", 513),
    "a tensor missing": without("blk.1.ffn_down.weight"),
    "a token twice": listed("tokens", maker.STRING, [*TOKENS[:-1], TOKENS[-2]]),
    "too few scores": listed("scores", maker.F32, [0.0] * (COUNT - 1)),
    "too few types": listed("token_type", maker.I32, [1] * (COUNT - 1)),
    "too few tokens": listed("tokens", maker.STRING, TOKENS[:-1]),
    "scores of another type": listed("scores", maker.U8, [0] * COUNT),
    "types of another type": listed("token_type", maker.U32, [1] * COUNT),
    "no vocabulary": instead("tokenizer.ggml.tokens"),
    "no tokenizer": instead("tokenizer.ggml.model"),
}
GOOD = {
    "as it is": maker.make_model(),
    "a licence more": instead("general.license"),
    "an empty token": listed("tokens", maker.STRING, [*TOKENS[:-2], "", ""]),
    "scores for tokens that are not there": listed("scores", maker.F32, [0.0] * (COUNT + 1)),
    "a special token outside": instead(
        "tokenizer.ggml.unknown_token_id",
        maker.entry("tokenizer.ggml.unknown_token_id", maker.U32, COUNT),
    ),
    "another vocabulary size": number("vocab_size", COUNT + 1),
}


@pytest.mark.parametrize("flaw", BAD)
def test_what_the_engine_does_not_load_fails(flaw: str, opened: Opened, tmp_path: Path) -> None:
    assert load(BAD[flaw], tmp_path) != "loaded"
    assert any(finding.refuses for finding in inspect([opened(BAD[flaw])]))


@pytest.mark.parametrize("oddity", GOOD)
def test_what_the_engine_loads_passes(oddity: str, opened: Opened, tmp_path: Path) -> None:
    assert load(GOOD[oddity], tmp_path) == "loaded"
    assert not any(finding.refuses for finding in inspect([opened(GOOD[oddity])]))
