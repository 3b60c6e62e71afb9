"""What an inspection comes to, whatever kind of file it was."""

from __future__ import annotations

from typing import NamedTuple

from localai.findings import Finding, Verdict
from localai.formats.contents import Fact
from localai.gguf.facts import GgufFile, Template


class InspectedFile(NamedTuple):
    """One file: its name, its size in bytes, its digests in lower-case hex; None where they were
    not computed."""

    name: str
    size: int
    sha256: str | None = None
    tree: str | None = None


class Inspection(NamedTuple):
    """Everything that was found out. ``headers`` are those of a GGUF model, one for each file, and
    empty if one of them cannot be read; ``unhashed`` says why there is no digest, "" if there
    is."""

    path: str
    format: str
    files: tuple[InspectedFile, ...]
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
    templates: tuple[Template, ...] = ()
    headers: tuple[GgufFile, ...] = ()
    unhashed: str = ""

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.verdict is Verdict.FAIL)
