"""Judge an adapter (LoRA) from its header: whether it is one, and whether it fits a model.

llama.cpp ends the process over some of what is asked here, such as a key of another type, and
does not ask all of it: of a matrix for fewer experts than the model has, it reads beyond the end.
Source: ``llama-adapter.cpp`` and ``build_lora_mm`` in ``llama-graph.cpp``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from localai.findings import Finding, Verdict
from localai.gguf.check import OTHER_KINDS
from localai.gguf.facts import GgufFile, Tensor, all_tensors
from localai.gguf.finding import name_some, note
from localai.gguf.layout import find_layout
from localai.gguf.sets import find_belonging
from localai.gguf.types import ValueType

CHECK = "gguf-adapter"

_ALPHA = "adapter.lora.alpha"
_INVOCATION = "adapter.alora.invocation_tokens"
_DOWN, _UP = ".lora_a", ".lora_b"
_UNUSED = "_norm.weight"  # llama.cpp leaves them out
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"
_NO_WEIGHTS = frozenset({"I8", "I16", "I32", "I64", "F64"})  # ggml multiplies no matrix of these

_Pairs = dict[str, tuple[Tensor, Tensor]]


def check_adapter(file: GgufFile) -> tuple[Finding, ...]:
    """What there is to say about a well-formed file that is to be an adapter, in order: what every
    start can afford."""
    return (*find_adapter(file), *find_belonging([file]), *find_layout(file))


def find_adapter(file: GgufFile) -> list[Finding]:
    """Whether it is one that llama.cpp can load."""
    if flaw := _find_kind(file) or _find_flaw(file):
        return [_fail(*flaw)]
    ranks = sorted({_four(down)[1] for down, _ in _pair(file).values()})
    said = f"{file.architecture}, rank {', '.join(map(str, ranks))}, {file.quantisation}"
    findings = [Finding(CHECK, Verdict.PASS, f"LoRA, GGUF v{file.version}", said)]
    if unused := [one.name for one in file.tensors if one.name.endswith(_UNUSED)]:
        findings.append(note(CHECK, "tensors without effect", name_some(unused)))
    return findings


def find_misfits(file: GgufFile, model: Sequence[GgufFile]) -> list[Finding]:
    """What keeps an adapter that ``check_adapter`` passed from going with the model in these
    files."""
    if file.architecture != model[0].architecture:
        names = name_some([file.architecture]), name_some([model[0].architecture])
        return [_fail("for another architecture", f"{names[0]}; the model's is {names[1]}")]
    tensors = {tensor.name: tensor for tensor in all_tensors(model)}
    pairs = _pair(file)
    if unknown := [name for name in pairs if name not in tensors]:
        return [_fail("for another model", f"the model has no {name_some(unknown)}")]
    if _EMBEDDING in pairs and _OUTPUT not in tensors:
        evidence = f"the model's output is its {_EMBEDDING}, which cannot be adapted twice"
        return [_fail("for another model", evidence)]
    other = [name for name, (a, b) in pairs.items() if not _fits(tensors[name], a, b)]
    return [_fail("for another model", f"of other sizes: {name_some(other)}")] if other else []


def _find_kind(file: GgufFile) -> tuple[str, str] | None:
    kind = file.text("general.type")
    if kind != "adapter":
        known = OTHER_KINDS.get(kind)
        said = f"general.type is {name_some([kind])}" if kind else "general.type is not stated"
        return "not an adapter", f"{said}: {known}" if known else said
    if (method := file.text("adapter.type")) != "lora":
        return "not a LoRA", f"adapter.type is {name_some([method])}; expected 'lora'"
    return None


def _find_flaw(file: GgufFile) -> tuple[str, str] | None:
    alpha = file.metadata.get(_ALPHA, 0.0)
    if file.types.get(_ALPHA, ValueType.FLOAT32) is not ValueType.FLOAT32:
        return "a LoRA that llama.cpp cannot read", f"{_ALPHA} is of type {file.types[_ALPHA].name}"
    if not (isinstance(alpha, float) and math.isfinite(alpha)):
        return "no strength", f"{_ALPHA} is {alpha}"
    if _INVOCATION in file.metadata:
        return "to be switched on by a prompt", f"{_INVOCATION}: localai cannot do that"
    if other := list(_find_others(file)):
        return "tensors of something else", name_some(other)
    if not _pair(file):
        return "no weights", "the file adapts no tensor"
    return None


def _find_others(file: GgufFile) -> Iterator[str]:
    """Tensors that are no half of a pair of matrices."""
    names = {tensor.name for tensor in file.tensors}
    for tensor in file.tensors:
        halves = {end: tensor.name.removesuffix(end) for end in (_DOWN, _UP)}
        whole = next((base for base in halves.values() if base != tensor.name), None)
        paired = whole and {whole + _DOWN, whole + _UP} <= names
        unused = tensor.name.endswith(_UNUSED)
        if not (paired or unused) or tensor.type in _NO_WEIGHTS:
            yield tensor.name


def _pair(file: GgufFile) -> _Pairs:
    """The two matrices for each tensor of the model that is adapted."""
    tensors = {tensor.name: tensor for tensor in file.tensors}
    names = (name.removesuffix(_DOWN) for name in tensors if name.endswith(_DOWN))
    return {name: (tensors[name + _DOWN], tensors[name + _UP]) for name in names}


def _fits(adapted: Tensor, down: Tensor, up: Tensor) -> bool:
    """Whether the product of the matrices has the shape of what it is added to, for each expert."""
    (columns, rows, *experts), a, b = map(_four, (adapted, down, up))
    if not a[2:] == b[2:] == experts:
        return False
    if adapted.name == _EMBEDDING:  # its rows are looked up, so both lie the other way round
        return (a[0], a[1], b[1]) == (b[0], rows, columns)
    return (a[0], a[1], b[1]) == (columns, b[0], rows)


def _four(tensor: Tensor) -> list[int]:
    return [*tensor.shape, 1, 1, 1][:4]


def _fail(summary: str, evidence: str) -> Finding:
    return Finding(
        CHECK,
        Verdict.FAIL,
        summary,
        evidence,
        "an adapter is loaded with the model that it was made for, or not at all",
        "use an adapter that was made for this model, as GGUF (llama.cpp's convert_lora_to_gguf)",
    )
