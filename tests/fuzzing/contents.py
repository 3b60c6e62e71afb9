"""What is expected of a look at a file that is no GGUF. No target by itself."""

from __future__ import annotations

from collections.abc import Sequence

from fuzzing.judge import Broken, opened
from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.contents import Contents
from localai.formats.format import Format
from localai.formats.inspect import inspect as inspect_contents


def inspect(data: bytes, kind: Format) -> None:
    """Look at ``data`` as a file of this ``kind``."""
    with opened(data) as (fd, size):
        try:
            found = inspect_contents(fd, size, kind)
        except DocumentError:
            return
    check(found)


def check(found: Contents) -> None:
    check_findings(found.findings)
    for fact in found.facts:
        fact.text.encode()  # no half of a character
        if not fact.name or len(fact.text) > 20_000:
            raise Broken(f"{fact.name}: {len(fact.text)} characters")


def check_findings(findings: Sequence[Finding]) -> None:
    """What whoever reads findings relies on."""
    if not findings:
        raise Broken("nothing was checked")
    for finding in findings:
        if not finding.check or not finding.summary:
            raise Broken(f"{finding} says nothing")
        if finding.verdict is Verdict.FAIL and not (finding.evidence and finding.why):
            raise Broken(f"{finding} gives no reason")
        finding.evidence.encode()
        if len(finding.evidence) > 20_000:
            raise Broken(f"{len(finding.evidence)} characters of evidence for {finding.summary}")
