"""The inspection of a whole GGUF model, from headers to the document, with any bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import gguf_maker as maker
from fuzzing import gguf_reader
from fuzzing.contents import check_findings
from fuzzing.judge import opened
from localai.inspection.document import inspection_document
from localai.inspection.model import inspect_model
from localai.sealing import OpenFile

MODULES = ("localai.gguf", "localai.inspection")
LONGEST = 8192
WORDS = (*gguf_reader.WORDS, b"PK\x05\x06", b"%PDF-", b"https://", b"\xe2\x80\xae", b"rm -rf ")
CONTEXT = 4096
PLACE = Path("model.gguf")


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    """Inspect ``data``, and say it as JSON."""
    with opened(data) as (fd, size):
        found = inspect_model(PLACE, [OpenFile(PLACE, fd, size)], CONTEXT)
    check_findings(found.findings)
    json.dumps(inspection_document(found, 0))


def seeds() -> Iterator[bytes]:
    """A whole model of some kilobytes, and what is wrong with others."""
    parts = small_parts()
    yield parts.bytes()
    yield parts.bytes() + bytes(64)
    yield parts.bytes() + b"hidden" + bytes(58)
    yield parts._replace(entries=parts.entries[1:]).bytes()
    yield parts._replace(tensors=parts.tensors[::-1]).bytes()
    licence = maker.entry("general.license.link", maker.STRING, "https://example.org/licence")
    yield parts._replace(entries=(*parts.entries, licence)).bytes()


WIDTH, TOKENS = 32, ("<unk>", "<s>", "</s>", "<0x0A>", "\u2581the", "a", "b", "c")
MATRIX, ROW = 2, 0  # tensor types: Q4_0, F32


def small_parts(template: str = maker.TEMPLATE) -> maker.Parts:
    """A llama of one layer, eight tokens and no weights but zeros."""
    numbers = {"block_count": 1, "context_length": 512, "embedding_length": WIDTH}
    numbers |= {"feed_forward_length": WIDTH, "attention.head_count": 2}
    numbers |= {"attention.head_count_kv": 2, "rope.dimension_count": WIDTH // 2}
    entries = [
        maker.entry("general.architecture", maker.STRING, "llama"),
        maker.entry("general.name", maker.STRING, "Small"),
        maker.entry("general.license", maker.STRING, "apache-2.0"),
        maker.entry("general.file_type", maker.U32, 2),
        *(maker.entry(f"llama.{key}", maker.U32, number) for key, number in numbers.items()),
        maker.entry("llama.attention.layer_norm_rms_epsilon", maker.F32, 1e-5),
        maker.entry("tokenizer.ggml.model", maker.STRING, "llama"),
        maker.entry_array("tokenizer.ggml.tokens", maker.STRING, TOKENS),
        maker.entry_array("tokenizer.ggml.scores", maker.F32, [0.0] * len(TOKENS)),
        maker.entry_array("tokenizer.ggml.token_type", maker.I32, [2, 3, 3, 6, 1, 1, 1, 1]),
        maker.entry("tokenizer.ggml.bos_token_id", maker.U32, 1),
        maker.entry("tokenizer.ggml.eos_token_id", maker.U32, 2),
        maker.entry("tokenizer.chat_template", maker.STRING, template),
    ]
    tensors, place = [], 0
    for name, rows in SHAPES.items():
        shape = (WIDTH, rows) if rows else (WIDTH,)
        tensors.append(maker.tensor_info(name, shape, MATRIX if rows else ROW, place))
        size = WIDTH // 32 * 18 * rows or WIDTH * 4
        place += size + -size % 32
    return maker.Parts(tuple(entries), tuple(tensors), bytes(place))


SHAPES = {  # rows; none for a vector
    "token_embd.weight": len(TOKENS),
    "output_norm.weight": 0,
    "output.weight": len(TOKENS),
    **{f"blk.0.{name}_norm.weight": 0 for name in ("attn", "ffn")},
    **{f"blk.0.attn_{name}.weight": WIDTH for name in ("q", "k", "v", "output")},
    **{f"blk.0.ffn_{name}.weight": WIDTH for name in ("gate", "up", "down")},
}
