"""What an engine is given and what a generation was: plain data, free of llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class EngineOptions(NamedTuple):
    """How to load. ``context`` in tokens, None for DEFAULT_CONTEXT, never more than the model's
    own; ``gpu_layers``: how many layers to offload, -1 for all that the build and the device can;
    ``repack``: let llama.cpp copy weights into a faster layout, which needs their memory again;
    ``let_go``: all layers go to a GPU, if it can be used: keep nothing of the model's files;
    ``adapters``: how strongly each adapter counts, whose files come after the model's.
    """

    context: int | None
    threads: int
    gpu_layers: int = 0
    repack: bool = True
    let_go: bool = False
    adapters: Sequence[float] = ()


class Outcome(NamedTuple):
    """How a generation went: see ``protocol.Done``."""

    stop: str
    reused_tokens: int
    generated_tokens: int
    first_token_seconds: float
    generation_seconds: float
