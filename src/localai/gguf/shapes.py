"""Whether the tensors are those of the architecture that the file names, in its sizes.

llama.cpp computes the shape of every tensor from the metadata and loads no file that has another
(``llama-model.cpp``, ``models/*.cpp``). The same is done here for the common architectures of
one build: attention, then a feed-forward network, in each block. Of any other architecture the
shapes are not judged, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from localai.findings import Finding
from localai.gguf.facts import GgufFile, all_tensors
from localai.gguf.finding import fail, name_some, note
from localai.gguf.tokenizer import length_of
from localai.gguf.types import ValueType

CHECK = "gguf-shapes"
MOST_BLOCKS = 512  # LLAMA_MAX_LAYERS
KNOWN = frozenset(
    [
        "llama",
        "mistral3",
        "qwen2",
        "qwen3",
        "gemma",
        "gemma2",
        "gemma3",
        "phi3",
        "smollm3",
        "granite",
    ]
)
_WITH_EXPERTS = frozenset({"llama", "mistral3", "granite"})
_REQUIRED = ("{}.block_count", "{}.context_length", "{}.embedding_length")
_U32 = ValueType.UINT32
_BLOCK = re.compile(r"blk\.(\d{1,9})\.(.*)")

# Shapes, innermost first, in the words of _sizes.
_WHOLE = {
    "token_embd.weight": ("width", "vocabulary"),
    "output.weight": ("width", "vocabulary"),
    "output_norm.weight": ("width",),
}
_OF_A_BLOCK = {
    "attn_norm.weight": ("width",),
    "attn_q.weight": ("width", "query"),
    "attn_k.weight": ("width", "key"),
    "attn_v.weight": ("width", "value"),
    "attn_qkv.weight": ("width", "all"),
    "attn_output.weight": ("query", "width"),
    "ffn_norm.weight": ("width",),
    "ffn_gate.weight": ("width", "inner"),
    "ffn_up.weight": ("width", "up"),
    "ffn_down.weight": ("inner", "width"),
    "ffn_gate_inp.weight": ("width", "experts"),
    "ffn_gate_exps.weight": ("width", "inner", "experts"),
    "ffn_up_exps.weight": ("width", "inner", "experts"),
    "ffn_down_exps.weight": ("inner", "width", "experts"),
}


def find_shapes(files: Sequence[GgufFile]) -> list[Finding]:
    """Tensors of another shape, missing ones, and blocks that the model does not have."""
    first = files[0]
    shapes = {tensor.name: _trim(tensor.shape) for tensor in all_tensors(files)}
    blocks = first.number(f"{first.architecture}.block_count")
    if blocks is not None and not 0 < blocks <= MOST_BLOCKS:
        evidence = f"block_count is {blocks}; llama.cpp takes 1 to {MOST_BLOCKS}"
        return [fail(CHECK, "an impossible number of blocks", evidence)]
    if not shapes:
        return []
    if first.architecture not in KNOWN:
        evidence = f"only llama.cpp knows what tensors {name_some([first.architecture])} needs"
        return [note(CHECK, "shapes not judged", evidence)]
    unsaid = [key for key in _REQUIRED if first.types.get(key.format(first.architecture)) != _U32]
    if unsaid or blocks is None:
        evidence = f"{name_some([key.format(first.architecture) for key in unsaid])}, in 32 bits"
        return [fail(CHECK, "sizes that are not stated", evidence)]
    findings = _find_heads(first)
    missing = [name for name in _needed(first, blocks, shapes) if name not in shapes]
    if missing:
        findings.append(fail(CHECK, "missing tensors", name_some(missing)))
    other = list(_find_others(shapes, _sizes(first), blocks))
    if other:
        more = f", and {len(other) - 1} more" if len(other) > 1 else ""
        findings.append(fail(CHECK, "tensors of another model", other[0] + more))
    return findings


def _find_heads(file: GgufFile) -> list[Finding]:
    """Queries share keys and values in groups of one size."""
    heads, kept = _heads(file)
    if heads is None or kept is None or (heads > 0 and kept > 0 and heads % kept == 0):
        return []
    evidence = f"{heads} heads over {kept} of keys and values"
    return [fail(CHECK, "heads that do not divide", evidence)]


def _heads(file: GgufFile) -> tuple[int | None, int | None]:
    """The heads of queries, and of keys and values; None where each block has its own number."""
    key = f"{file.architecture}.attention.head_count"
    heads = file.number(key)
    return heads, file.number(f"{key}_kv") if f"{key}_kv" in file.metadata else heads


def _sizes(file: GgufFile) -> dict[str, int]:
    """What the words of the shapes mean in this model; a word that cannot be known is left out."""
    arch = file.architecture
    width = file.number(f"{arch}.embedding_length")
    heads, kept = _heads(file)
    inner = file.number(f"{arch}.feed_forward_length")
    sizes = {
        "width": width,
        "inner": inner,
        "up": inner * 2 if inner and arch == "phi3" else inner,  # with the gate in one tensor
        "experts": file.number(f"{arch}.expert_count"),
        "vocabulary": length_of(file, "tokens") or file.number(f"{arch}.vocab_size"),
    }
    if width and heads and kept and heads > 0:
        key = file.number(f"{arch}.attention.key_length") or width // heads
        value = file.number(f"{arch}.attention.value_length") or width // heads
        sizes |= {"query": heads * key, "key": kept * key, "value": kept * value}
        sizes["all"] = heads * key + kept * (key + value)
    return {word: size for word, size in sizes.items() if size is not None}


def _needed(file: GgufFile, blocks: int, shapes: Mapping[str, object]) -> Iterator[str]:
    """The names without which llama.cpp loads no model of this architecture."""
    arch = file.architecture
    network = ["ffn_down", "ffn_up"] if arch == "phi3" else ["ffn_down", "ffn_gate", "ffn_up"]
    if arch in _WITH_EXPERTS and file.number(f"{arch}.expert_count"):
        network = ["ffn_gate_inp", "ffn_down_exps", "ffn_up_exps"]
    yield from ("token_embd.weight", "output_norm.weight")
    for block in range(blocks):
        whole = f"blk.{block}.attn_qkv.weight" in shapes
        attention = ["attn_qkv"] if whole else ["attn_q", "attn_k", "attn_v"]
        for name in ("attn_norm", *attention, "attn_output", "ffn_norm", *network):
            yield f"blk.{block}.{name}.weight"


def _find_others(
    shapes: Mapping[str, tuple[int, ...]], sizes: Mapping[str, int], blocks: int
) -> Iterator[str]:
    """What is wrong with each tensor that is not as the metadata has it."""
    for name, shape in shapes.items():
        block = _BLOCK.fullmatch(name)
        if block and int(block[1]) >= blocks:
            yield f"{name} is of a block beyond the {blocks} that there are"
            continue
        words = _OF_A_BLOCK.get(block[2], ()) if block else _WHOLE.get(name, ())
        expected = tuple(sizes[word] for word in words if word in sizes)
        if words and len(expected) == len(words) and shape != _trim(expected):
            yield f"{name} is {_show(shape)}; expected {_show(expected)}"


def _trim(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the ones at its end, which mean nothing to ggml."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _show(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
