"""Judge what the reader found: facts in, findings (check ``artifact-format``) out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localai.findings import Finding, Verdict
from localai.gguf.facts import Array, GgufFile, Tensor

CHECK = "artifact-format"
# Kinds of GGUF that are no model to talk to; files made before general.type existed have none.
_OTHER_KINDS = {
    "adapter": "an adapter (LoRA), which needs the model that it adapts",
    "mmproj": "a projector, the part of a model that sees or hears",
    "imatrix": "an importance matrix, a by-product of quantisation",
    "vocab": "a vocabulary without weights",
}
# What llama.cpp's CPU backend may copy into another layout when it loads (ggml-cpu/repack.cpp).
_REPACKED = frozenset({"Q2_K", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "MXFP4"})
_CACHE_BYTES = 2  # of one number in the KV cache: F16
_BATCH = 512  # tokens whose activations are in memory at once; worker.engine.BATCH
_FIXED = 64 << 20  # Python, the libraries, the vocabulary, graphs


def inspect(files: Sequence[GgufFile]) -> tuple[Finding, ...]:
    """What there is to say about the well-formed files of one model, in order; nothing worse than
    ``note`` may be run."""
    first = files[0]
    findings = [*_kind(first), *_belonging(files)]
    findings += [finding for file in files for finding in _layout(file)]
    if all(finding.verdict is Verdict.NOTE for finding in findings):
        findings.insert(0, Finding(CHECK, Verdict.PASS, f"GGUF v{first.version}", describe(files)))
    return tuple(findings)


def describe(files: Sequence[GgufFile]) -> str:
    """A model in one line: architecture, parameters, quantisation, tensors, context, files."""
    first = files[0]
    parameters = sum(file.parameters for file in files)
    parts = [first.architecture or "no architecture", f"{show_count(parameters)} parameters"]
    parts += [first.quantisation, f"{sum(len(file.tensors) for file in files)} tensors"]
    if first.context_length:
        parts.append(f"context {first.context_length}")
    if len(files) > 1:
        parts.append(f"{len(files)} files")
    return ", ".join(part for part in parts if part)


def show_count(count: int) -> str:
    """A number of parameters as people write it: 135M, 7.2B."""
    for letter, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            value = count / size
            return f"{value:.1f}{letter}" if value < 10 else f"{value:.0f}{letter}"
    return str(count)


def inference_bytes(files: Sequence[GgufFile], context: int, *, repack: bool) -> int:
    """Memory in bytes that inference wants beside the sealed files, an estimate from above.

    KV cache for ``context`` tokens, activations of one batch, and with ``repack`` the weights
    that llama.cpp copies into another layout (it is faster, and can be told not to).
    """
    file = files[0]  # of a set, only the first says what the model is
    arch = file.architecture
    width = file.number(f"{arch}.embedding_length") or 0
    heads = _largest(file, f"{arch}.attention.head_count") or 1
    kept = _largest(file, f"{arch}.attention.head_count_kv") or heads
    key = file.number(f"{arch}.attention.key_length") or width // heads
    value = file.number(f"{arch}.attention.value_length") or width // heads
    layers = file.number(f"{arch}.block_count") or 0
    inner = _largest(file, f"{arch}.feed_forward_length") or 4 * width
    cache = context * layers * kept * (key + value) * _CACHE_BYTES
    activations = _BATCH * 4 * (6 * width + 3 * inner + 2 * context)
    copies = sum(tensor.size for tensor in _tensors(files) if tensor.type in _REPACKED)
    return _FIXED + cache + activations + (copies if repack else 0)


def _kind(file: GgufFile) -> list[Finding]:
    kind = file.text("general.type")
    if kind in _OTHER_KINDS:
        return [_fail("not a model", f"general.type is {kind}: {_OTHER_KINDS[kind]}")]
    findings = []
    if not file.architecture:
        findings.append(_fail("no architecture", "general.architecture is missing"))
    if not file.tensors and file.parts == 1:
        findings.append(_fail("no weights", "the file has no tensor"))
    if file.template is None and not findings:
        evidence = "no chat template: the model continues a text, it was not taught turns"
        findings.append(Finding(CHECK, Verdict.NOTE, "base model", evidence))
    return findings


def _belonging(files: Sequence[GgufFile]) -> list[Finding]:
    """The files must be one whole set, each in its place (llama.cpp's ``split.*`` keys)."""
    count = len(files)
    if files[0].parts != count:
        evidence = f"the file is one of {files[0].parts} parts; found {count}"
        return [_fail("a part is missing", evidence, _WHOLE_SET)]
    for place, file in enumerate(files if count > 1 else ()):
        number, parts = file.number("split.no"), file.parts
        if (number, parts) != (place, count):
            said = "no part" if number is None else f"part {number + 1} of {parts}"
            evidence = f"file {place + 1} of {count} says that it is {said}"
            return [_fail("a part of another set", evidence, _WHOLE_SET)]
    names = [tensor.name for tensor in _tensors(files)]
    claimed = files[0].number("split.tensors.count")
    if len(set(names)) != len(names) or claimed not in (None, len(names)):
        evidence = f"{len(set(names))} tensors in {len(names)} places; expected {claimed}"
        return [_fail("a part of another set", evidence, _WHOLE_SET)]
    return []


def _tensors(files: Iterable[GgufFile]) -> list[Tensor]:
    return [tensor for file in files for tensor in file.tensors]


def _layout(file: GgufFile) -> list[Finding]:
    """Tensors must not overlap; bytes that belong to none are worth knowing of."""
    findings = []
    end = file.data_offset
    unused = 0
    for tensor in sorted(file.tensors, key=lambda tensor: tensor.offset):
        if tensor.offset < end:
            evidence = f"{tensor.name} begins at {tensor.offset}, inside the tensor before it"
            findings.append(_fail("overlapping tensors", evidence))
            break
        unused += max(0, tensor.offset - end - file.alignment + 1)
        end = tensor.offset + tensor.size
    unused += max(0, file.size - end - file.alignment + 1)
    if unused and not findings:
        evidence = f"{unused} bytes belong to no tensor"
        findings.append(Finding(CHECK, Verdict.NOTE, "unused bytes", evidence))
    return findings


def _largest(file: GgufFile, key: str) -> int | None:
    """A number that may stand once for all layers or once for each."""
    value = file.metadata.get(key)
    if isinstance(value, Array):
        return max((item for item in value.first if isinstance(item, int)), default=None)
    return file.number(key)


_OWN_FILE = "download the model's own GGUF file from its publisher"
_WHOLE_SET = (
    "download all parts of one set, keep their names, put them into one directory, "
    "and name the first one"
)


def _fail(summary: str, evidence: str, remedy: str = _OWN_FILE) -> Finding:
    return Finding(
        CHECK,
        Verdict.FAIL,
        summary,
        evidence,
        why="only a whole, well-formed language model can be run",
        remedy=remedy,
    )
