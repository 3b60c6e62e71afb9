"""Where the tensors of a file lie."""

from __future__ import annotations

from collections.abc import Iterator

from localai.findings import Finding
from localai.gguf.facts import GgufFile, Tensor
from localai.gguf.finding import fail, note

CHECK = "gguf-layout"
MAPPED_AT = 32  # bytes; a tensor that begins at no multiple of it ends llama.cpp (ggml-backend.cpp)


def find_layout(file: GgufFile) -> list[Finding]:
    """Tensors lie one after another in the order of their descriptions, each padded to the
    alignment: anything else llama.cpp refuses (``gguf.cpp``). What follows them is worth knowing
    of."""
    place = -(-file.data_offset // file.alignment) * file.alignment  # padded, also if none follows
    for tensor, end in padded_ends(file):
        if tensor.offset != place:
            summary = "overlapping tensors" if tensor.offset < place else "tensors out of place"
            evidence = f"{tensor.name} begins at byte {tensor.offset}; expected {place}"
            return [fail(CHECK, summary, evidence)]
        if place % MAPPED_AT:
            evidence = f"{tensor.name} begins at byte {place}, no multiple of {MAPPED_AT}"
            return [fail(CHECK, "tensors that cannot be mapped", evidence)]
        place = end
    behind = file.size - place
    return [note(CHECK, "unused bytes", f"{behind} bytes belong to no tensor")] * (behind > 0)


def padded_ends(file: GgufFile) -> Iterator[tuple[Tensor, int]]:
    """Each tensor, and the byte of the file at which its padding ends."""
    for tensor in file.tensors:
        yield tensor, -(-(tensor.offset + tensor.size) // file.alignment) * file.alignment
