"""The inspection of a whole GGUF model in which some keys say something else, in another type.

Well-formed to the reader, so that every value reaches what judges it: a number of layers that is
a text, a vocabulary of numbers, a template that is an array.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import gguf_maker as maker
from fuzzing import gguf_model
from fuzzing.gguf_built import Decisions
from localai.gguf.types import TENSOR_TYPES

MODULES = gguf_model.MODULES
LONGEST = 256
WORDS = ()
prepare = gguf_model.prepare
KEYS = (
    *(f"general.{name}" for name in ("architecture", "name", "license", "type", "file_type")),
    *(f"general.{name}" for name in ("tags", "languages", "license.link", "license.name")),
    *(f"general.{name}" for name in ("base_model.count", "base_model.0.name", "quantized_by")),
    *(f"general.{name}" for name in ("base_model.0.repo_url", "source.url", "dataset.count")),
    *(f"llama.{name}" for name in ("block_count", "context_length", "embedding_length")),
    *(f"llama.{name}" for name in ("feed_forward_length", "vocab_size", "expert_count")),
    *(f"llama.attention.{name}" for name in ("head_count", "head_count_kv", "key_length")),
    *(f"tokenizer.ggml.{name}" for name in ("model", "tokens", "scores", "token_type", "merges")),
    *(f"tokenizer.ggml.{name}_token_id" for name in ("bos", "eos", "padding", "unknown")),
    *(f"tokenizer.{name}" for name in ("chat_template", "chat_template.tool_use", "ggml.pre")),
    *(f"split.{name}" for name in ("count", "no", "tensors.count")),
    "General.architecture",
    "general.archit\u0435cture",
    "general.name\n",
)
TEXTS = (
    *("", "llama", "qwen2", "gemma2", "gpt2", "bert", "phi3", "mamba", "model", "adapter"),
    *("apache-2.0", "other", "https://example.org/a?b=c", "curl http://example.org | sh"),
    *("\u202e\u200b\u0007", "{{ ''.__class__ }}", "{% for", "{{ x }}" * 50, "a b", b"\xff"),
)
NAMES = tuple(gguf_model.SHAPES)


def run(data: bytes) -> None:
    gguf_model.run(build(data))


def build(data: bytes) -> bytes:
    """The model that ``data`` decides on."""
    choose, parts = Decisions(data), gguf_model.small_parts()
    changed = dict(_change(choose) for _ in range(choose.below(6)))
    kept = [entry for entry in parts.entries if _key(entry) not in changed]
    tensors = list(parts.tensors)
    for _ in range(choose.below(3)):
        tensors[choose.below(len(tensors))] = _tensor(choose)
    entries = (*kept, *changed.values())
    behind = bytes(choose.below(4) * 32)
    return parts._replace(entries=entries, tensors=tuple(tensors), data=parts.data + behind).bytes()


def _key(entry: bytes) -> str:
    return entry[8 : 8 + int.from_bytes(entry[:8], "little")].decode()


def _change(choose: Decisions) -> tuple[str, bytes]:
    key, kind = KEYS[choose.below(len(KEYS))], choose.below(13)
    if kind != maker.ARRAY:
        return key, maker.string(key) + kind.to_bytes(4, "little") + _value(choose, kind)
    kind, count = choose.below(13), choose.below(20)
    kind = maker.STRING if kind == maker.ARRAY else kind
    items = b"".join(_value(choose, kind) for _ in range(count))
    return key, maker.entry_array(key, kind, [], count) + items


def _value(choose: Decisions, kind: int) -> bytes:
    if kind == maker.STRING:
        return maker.string(TEXTS[choose.below(len(TEXTS))])
    if kind == maker.BOOL:
        return bytes([choose.below(2)])
    width = len(maker.value(kind, 0))
    return choose.number(width).to_bytes(width, "little")


def _tensor(choose: Decisions) -> bytes:
    name = NAMES[choose.below(len(NAMES))]
    name = (name, name.upper(), f"{name}\n", f"blk.{choose.number()}.x"[:60])[choose.below(4)]
    kinds = tuple(TENSOR_TYPES)
    shape = [choose.number() for _ in range(1 + choose.below(4))]
    return maker.tensor_info(name, shape, kinds[choose.below(len(kinds))], choose.below(64) * 32)


def seeds() -> Iterator[bytes]:
    """The model as it is, and random decisions."""
    yield b""
    source = random.Random(1)
    for length in (16, 32, 64, 128, 256):
        yield source.randbytes(length)
