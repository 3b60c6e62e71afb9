"""Whether the parts of a tokenizer fit together: types, lengths, special tokens."""

from __future__ import annotations

from localai.findings import Finding
from localai.gguf.facts import Array, GgufFile
from localai.gguf.finding import fail, name_some, note
from localai.gguf.types import ValueType

CHECK = "gguf-tokenizer"
PREFIX = "tokenizer.ggml."
# What llama.cpp reads each array as (llama-vocab.cpp); of another type the numbers mean nothing.
_ARRAYS = {
    "tokens": {ValueType.STRING},
    "scores": {ValueType.FLOAT32, ValueType.INT32},
    "token_type": {ValueType.INT32},
    "merges": {ValueType.STRING},
    "precompiled_charsmap": {ValueType.UINT8, ValueType.INT8},
    "suppress_tokens": {ValueType.INT32},
}
_FOR_EACH_TOKEN = ("scores", "token_type")
_NO_TOKENIZER = ("none", "no_vocab")  # llama.cpp's word for it


def find_tokenizer(file: GgufFile) -> list[Finding]:
    """The arrays of the tokenizer must be what llama.cpp takes them for, and as long as they
    claim to be; special tokens must be in the vocabulary."""
    if file.text(f"{PREFIX}model") in _NO_TOKENIZER:
        return []
    wrong = [key for key, kinds in _ARRAYS.items() if not _holds(file, key, kinds)]
    if wrong:
        said = ", ".join(f"{PREFIX}{key} is {_describe(file, key)}" for key in wrong)
        return [fail(CHECK, "an array of another type", said)]
    tokens = length_of(file, "tokens")
    if not tokens or not file.text(f"{PREFIX}model"):
        return [fail(CHECK, "no vocabulary", f"{PREFIX}tokens or {PREFIX}model is missing")]
    findings = []
    for key in _FOR_EACH_TOKEN:
        length = length_of(file, key)
        if length is not None and length != tokens:
            evidence = f"{PREFIX}{key}: {length} for {tokens} tokens"
            judge = fail if length < tokens else note
            findings.append(judge(CHECK, "arrays of other lengths", evidence))
    return findings + _find_special(file, tokens)


def _find_special(file: GgufFile, tokens: int) -> list[Finding]:
    findings = []
    outside = [
        key
        for key in file.metadata
        if key.startswith(PREFIX)
        and key.endswith("_token_id")
        and not -1 <= (file.number(key) or 0) < tokens
    ]
    if outside:
        evidence = f"{name_some(outside)}; the vocabulary has {tokens} tokens"
        findings.append(note(CHECK, "special tokens outside the vocabulary", evidence))
    claimed = file.number(f"{file.architecture}.vocab_size")
    if claimed is not None and claimed != tokens:
        evidence = f"vocab_size is {claimed}; found {tokens} tokens"
        findings.append(note(CHECK, "another size of the vocabulary", evidence))
    return findings


def length_of(file: GgufFile, key: str) -> int | None:
    """How many elements an array of the tokenizer has, or None."""
    value = file.metadata.get(f"{PREFIX}{key}")
    return value.length if isinstance(value, Array) else None


def _holds(file: GgufFile, key: str, kinds: set[ValueType]) -> bool:
    """Whether the key is missing or an array of one of these types."""
    value = file.metadata.get(f"{PREFIX}{key}")
    return value is None or (isinstance(value, Array) and value.kind in kinds)


def _describe(file: GgufFile, key: str) -> str:
    value = file.metadata[f"{PREFIX}{key}"]
    return f"an array of {value.kind.name}" if isinstance(value, Array) else "no array"
