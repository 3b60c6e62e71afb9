"""A model in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from localai.gguf.facts import GgufFile


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
