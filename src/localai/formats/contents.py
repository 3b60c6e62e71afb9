"""What there is to say about a file that is no GGUF."""

from __future__ import annotations

from typing import NamedTuple

from localai.findings import Finding

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


class Contents(NamedTuple):
    """What a file holds, as rows to show, and what is to be said about it."""

    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
