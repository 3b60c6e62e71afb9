"""The two readers of YAML, with any bytes: what is read line by line, YAML reads, and the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzzing import manifest
from fuzzing.judge import hold_against
from localai.document import LIMIT, decode_text
from localai.document.linewise import read_linewise
from localai.document.yamltree import read_tree
from localai.errors import DocumentError

MODULES = ("localai.document",)
LONGEST = 1024
WORDS = (*manifest.WORDS, b"a: b\n", b"a:\n  b: c\n", b"  - a: b\n    c: d\n", b"a: [b, c]\n")
VECTORS = Path(__file__).parents[1] / "vectors"


def prepare() -> None:
    """Nothing: the caps are those of every document."""


def run(data: bytes) -> None:
    check(data)
    check(b"a: b\n" + data + b"\nc: d\n")
    check(b"a:\n  - b: " + data + b"\n    c: d\n")


def check(data: bytes) -> None:
    """Raises Broken if the readers do not agree."""
    try:
        text = decode_text(data, limit=LIMIT)
    except DocumentError:
        return
    hold_against(read_linewise(text), lambda: read_tree(text, LIMIT))


def seeds() -> Iterator[bytes]:
    """The documents of the tests, each with what must become of it."""
    for path in sorted(VECTORS.rglob("*.yaml")):
        raw = path.read_bytes()
        if len(raw) <= LONGEST:
            yield raw
