"""Make GGUF files: a tiny llama with random weights that llama.cpp really runs, and broken ones.

The layout is written out here a second time, by hand and from the specification (ggml's
``docs/gguf.md``), so that the reader under test is not its own judge.
"""

from __future__ import annotations

import math
import random
import struct
from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_CODES = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?"}
_CODES |= {U64: "Q", I64: "q", F64: "d"}

TEMPLATE = (
    "{% for message in messages %}<s>{{ message.role }}: {{ message.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
WIDTH, HEADS, INNER, LAYERS, CONTEXT = 32, 2, 64, 2, 512


def string(text: str | bytes) -> bytes:
    """A length-prefixed string."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def value(kind: int, content: object) -> bytes:
    """The bytes of one scalar or string, without its type."""
    if kind == STRING:
        assert isinstance(content, str | bytes)
        return string(content)
    return struct.pack(f"<{_CODES[kind]}", content)


def entry(key: str | bytes, kind: int, content: object) -> bytes:
    """One metadata entry."""
    return string(key) + struct.pack("<I", kind) + value(kind, content)


def entry_array(key: str, kind: int, items: Sequence[object], count: int | None = None) -> bytes:
    """One array entry; ``count`` is what it claims to hold."""
    claimed = len(items) if count is None else count
    head = string(key) + struct.pack("<IIQ", ARRAY, kind, claimed)
    return head + b"".join(value(kind, item) for item in items)


def tensor_info(name: str, shape: Sequence[int], kind: int, offset: int) -> bytes:
    """One tensor's description."""
    head = string(name) + struct.pack("<I", len(shape))
    return head + struct.pack(f"<{len(shape)}QIQ", *shape, kind, offset)


class Parts(NamedTuple):
    """The parts of a file, each of which a test may replace before it is put together."""

    entries: tuple[bytes, ...] = ()
    tensors: tuple[bytes, ...] = ()
    data: bytes = b""
    magic: bytes = b"GGUF"
    version: int = 3
    alignment: int = 32
    entry_count: int | None = None
    tensor_count: int | None = None

    def bytes(self) -> bytes:
        counts = (
            len(self.tensors) if self.tensor_count is None else self.tensor_count,
            len(self.entries) if self.entry_count is None else self.entry_count,
        )
        head = self.magic + struct.pack("<IQQ", self.version, *counts)
        head += b"".join(self.entries) + b"".join(self.tensors)
        return head + bytes(-len(head) % self.alignment) + self.data


def make_model(
    *,
    seed: int = 1,
    template: str | None = TEMPLATE,
    context: int = CONTEXT,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """A whole model of some 200 kB that nobody has seen before: other ``seed``, other digest."""
    return model_parts(seed=seed, template=template, context=context, metadata=metadata).bytes()


def model_parts(
    *,
    seed: int = 1,
    template: str | None = TEMPLATE,
    context: int = CONTEXT,
    metadata: Mapping[str, str] | None = None,
) -> Parts:
    """The same, in parts."""
    vocabulary = _vocabulary()
    entries = [*_model_entries(context, len(vocabulary)), *_vocabulary_entries(vocabulary)]
    if template is not None:
        entries.append(entry("tokenizer.chat_template", STRING, template))
    entries += [entry(key, STRING, text) for key, text in (metadata or {}).items()]
    infos, data = _lay_out(_weights(random.Random(seed), len(vocabulary)))
    return Parts(tuple(entries), infos, data)


RANK = 2
ADAPTED = tuple(
    (f"blk.{layer}.{name}.weight", (columns, rows))
    for layer in range(LAYERS)
    for name, columns, rows in (("attn_q", WIDTH, WIDTH), ("ffn_up", WIDTH, INNER))
)


def make_adapter(*, seed: int = 1, metadata: Mapping[str, str] | None = None) -> bytes:
    """A LoRA for the models of ``make_model`` that makes them say something else."""
    return adapter_parts(seed=seed, metadata=metadata).bytes()


def adapter_parts(
    *,
    seed: int = 1,
    adapted: Sequence[tuple[str, tuple[int, ...]]] = ADAPTED,
    alpha: bytes | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Parts:
    """The same, in parts: two matrices for each tensor of ``adapted``, which has a name and a
    shape; ``alpha`` replaces the entry that says how strong it is."""
    source = random.Random(seed)
    texts = {
        "general.architecture": "llama",
        "general.type": "adapter",
        "general.name": "Tiny Adapter",
        "general.license": "apache-2.0",
        "adapter.type": "lora",
        **(metadata or {}),
    }
    entries = [entry(key, STRING, text) for key, text in texts.items()]
    entries.append(entry("adapter.lora.alpha", F32, 16.0) if alpha is None else alpha)
    weights = []
    for name, (columns, rows, *experts) in adapted:
        for end, shape in ((".lora_a", (columns, RANK)), (".lora_b", (RANK, rows))):
            whole = (*shape, *experts)
            numbers = array("f", (source.gauss(0, 0.3) for _ in range(math.prod(whole))))
            weights.append((name + end, whole, numbers.tobytes()))
    return Parts(tuple(entries), *_lay_out(weights))


def make_split(*, seed: int = 1) -> tuple[bytes, bytes]:
    """The same model as ``make_model(seed=seed)``, as a set of two files."""
    first, second = split_parts(seed=seed)
    return first.bytes(), second.bytes()


def split_parts(*, seed: int = 1) -> list[Parts]:
    """The same, each file in parts."""
    vocabulary = _vocabulary()
    weights = _weights(random.Random(seed), len(vocabulary))
    half = len(weights) // 2
    files = []
    for number, part in enumerate((weights[:half], weights[half:])):
        own = [entry("general.architecture", STRING, "llama")]
        if number == 0:
            own = [*_model_entries(CONTEXT, len(vocabulary)), *_vocabulary_entries(vocabulary)]
            own.append(entry("tokenizer.chat_template", STRING, TEMPLATE))
        own.append(entry("split.no", U16, number))
        own.append(entry("split.count", U16, 2))
        own.append(entry("split.tensors.count", I32, len(weights)))
        infos, data = _lay_out(part)
        files.append(Parts(tuple(own), infos, data))
    return files


def _model_entries(context: int, vocabulary: int) -> list[bytes]:
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, "Tiny Test"),
        entry("general.license", STRING, "apache-2.0"),
        entry("general.file_type", U32, 0),
        entry("llama.block_count", U32, LAYERS),
        entry("llama.context_length", U32, context),
        entry("llama.embedding_length", U32, WIDTH),
        entry("llama.feed_forward_length", U32, INNER),
        entry("llama.attention.head_count", U32, HEADS),
        entry("llama.attention.head_count_kv", U32, HEADS),
        entry("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
        entry("llama.rope.dimension_count", U32, WIDTH // HEADS),
        entry("llama.vocab_size", U32, vocabulary),
    ]


def _vocabulary() -> list[tuple[str, int]]:
    """SentencePiece's: three special tokens, all bytes, printable ASCII, a few pieces; each with
    its type (1 normal, 2 unknown, 3 control, 6 byte)."""
    tokens = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
    tokens += [(f"<0x{byte:02X}>", 6) for byte in range(256)]
    tokens += [(chr(code), 1) for code in range(33, 127)]
    return [*tokens, ("\u2581", 1), ("\u2581the", 1), ("th", 1), ("er", 1), ("in", 1)]


def _vocabulary_entries(vocabulary: list[tuple[str, int]]) -> list[bytes]:
    texts = [text for text, _ in vocabulary]
    return [
        entry("tokenizer.ggml.model", STRING, "llama"),
        entry_array("tokenizer.ggml.tokens", STRING, texts),
        entry_array("tokenizer.ggml.scores", F32, [-float(rank) for rank in range(len(texts))]),
        entry_array("tokenizer.ggml.token_type", I32, [kind for _, kind in vocabulary]),
        entry("tokenizer.ggml.bos_token_id", U32, 1),
        entry("tokenizer.ggml.eos_token_id", U32, 2),
        entry("tokenizer.ggml.unknown_token_id", U32, 0),
        entry("tokenizer.ggml.add_bos_token", BOOL, True),
    ]


def _weights(source: random.Random, vocabulary: int) -> list[tuple[str, tuple[int, ...], bytes]]:
    """Names, shapes (innermost first) and F32 numbers of a llama's tensors."""

    def matrix(columns: int, rows: int) -> tuple[tuple[int, ...], bytes]:
        numbers = array("f", (source.gauss(0, 0.3) for _ in range(columns * rows)))
        return (columns, rows), numbers.tobytes()

    ones = ((WIDTH,), array("f", [1.0] * WIDTH).tobytes())
    named = [("token_embd.weight", *matrix(WIDTH, vocabulary)), ("output_norm.weight", *ones)]
    named.append(("output.weight", *matrix(WIDTH, vocabulary)))
    for layer in range(LAYERS):
        named += [
            (f"blk.{layer}.attn_norm.weight", *ones),
            (f"blk.{layer}.attn_q.weight", *matrix(WIDTH, WIDTH)),
            (f"blk.{layer}.attn_k.weight", *matrix(WIDTH, WIDTH)),
            (f"blk.{layer}.attn_v.weight", *matrix(WIDTH, WIDTH)),
            (f"blk.{layer}.attn_output.weight", *matrix(WIDTH, WIDTH)),
            (f"blk.{layer}.ffn_norm.weight", *ones),
            (f"blk.{layer}.ffn_gate.weight", *matrix(WIDTH, INNER)),
            (f"blk.{layer}.ffn_up.weight", *matrix(WIDTH, INNER)),
            (f"blk.{layer}.ffn_down.weight", *matrix(INNER, WIDTH)),
        ]
    return named


def _lay_out(weights: list[tuple[str, tuple[int, ...], bytes]]) -> tuple[tuple[bytes, ...], bytes]:
    infos, data = [], b""
    for name, shape, numbers in weights:
        infos.append(tensor_info(name, shape, 0, len(data)))
        data += numbers + bytes(-len(numbers) % 32)
    return tuple(infos), data
