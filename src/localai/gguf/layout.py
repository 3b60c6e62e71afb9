"""Where the tensors of a file lie."""

from __future__ import annotations

from localai.findings import Finding
from localai.gguf.facts import GgufFile
from localai.gguf.finding import fail, note

CHECK = "gguf-layout"


def find_layout(file: GgufFile) -> list[Finding]:
    """Tensors must not overlap; bytes that belong to none are worth knowing of."""
    findings = []
    end = file.data_offset
    unused = 0
    for tensor in sorted(file.tensors, key=lambda tensor: tensor.offset):
        if tensor.offset < end:
            evidence = f"{tensor.name} begins at {tensor.offset}, inside the tensor before it"
            findings.append(fail(CHECK, "overlapping tensors", evidence))
            break
        unused += max(0, tensor.offset - end - file.alignment + 1)
        end = tensor.offset + tensor.size
    unused += max(0, file.size - end - file.alignment + 1)
    if unused and not findings:
        evidence = f"{unused} bytes belong to no tensor"
        findings.append(note(CHECK, "unused bytes", evidence))
    return findings
