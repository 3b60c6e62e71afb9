"""What an inspection comes to, whatever kind of file it was."""

from __future__ import annotations

from typing import NamedTuple

from localai.findings import Finding
from localai.gguf.facts import Tensor

Value = int | str | tuple[str, ...]


class Fact(NamedTuple):
    """One thing to know about a file: ``name`` is its title on a screen and its key in a document,
    ``value`` what a program reads, ``shown`` what a person reads where that is not the same."""

    name: str
    value: Value
    shown: str = ""

    @property
    def text(self) -> str:
        listed = self.value if isinstance(self.value, tuple) else (str(self.value),)
        return self.shown or ", ".join(listed)


class InspectedFile(NamedTuple):
    """One file: its name, its size in bytes, its digests in lower-case hex; None where they were
    not computed."""

    name: str
    size: int
    sha256: str | None = None
    tree: str | None = None


class Template(NamedTuple):
    """A chat template: the key that it stands under, and its Jinja source."""

    key: str
    source: str
    sha256: str


class Inspection(NamedTuple):
    """Everything that was found out. ``unhashed`` says why there is no digest, "" if there is."""

    path: str
    format: str
    facts: tuple[Fact, ...]
    files: tuple[InspectedFile, ...]
    findings: tuple[Finding, ...]
    templates: tuple[Template, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    unhashed: str = ""
