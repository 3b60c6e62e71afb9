"""Everything that can be said about a model without running it: for a person who decides.

A start does not look this closely (``check`` does, from the headers alone): what is found here
is found once, before the bytes are approved, and approved bytes do not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from localai.findings import Finding
from localai.gguf.adapter import find_adapter
from localai.gguf.check import OTHER_KINDS, check_structure
from localai.gguf.facts import GgufFile
from localai.gguf.hidden import find_hidden
from localai.gguf.keys import find_keys
from localai.gguf.lineage import find_contradictions
from localai.gguf.polyglot import find_polyglot
from localai.gguf.shapes import find_shapes
from localai.gguf.template import inspect_templates
from localai.gguf.text import find_texts
from localai.gguf.tokenizer import find_tokenizer
from localai.gguf.tokens import find_tokens


class OpenGguf(NamedTuple):
    """One file of a model: a descriptor that allows ``pread``, and what the reader found."""

    fd: int
    header: GgufFile


def inspect(files: Sequence[OpenGguf]) -> tuple[Finding, ...]:
    """What there is to say about the well-formed files of one model, in order."""
    headers = [file.header for file in files]
    findings = [*check_structure(headers)]
    for fd, header in files:
        findings += [*find_hidden(fd, header), *find_polyglot(fd, header.size)]
        findings += [*find_texts(fd, header), *inspect_templates(header)]
    kind = headers[0].text("general.type")
    if kind == "adapter":
        findings += find_adapter(headers[0])
    # Parts of a model need no tokenizer, nor all blocks.
    if kind not in OTHER_KINDS:
        findings += [*find_shapes(headers), *find_tokenizer(headers[0]), *find_tokens(*files[0])]
    return (*findings, *find_keys(headers), *find_contradictions(headers))
