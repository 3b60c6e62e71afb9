"""Wording for an audit: the screen. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from localai.audit.files import State
from localai.audit.rules import Topic
from localai.cli.screen import hang
from localai.findings import Verdict
from localai.hardware import show_bytes
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.audit.audit import Audit
    from localai.audit.files import AuditedFile
    from localai.audit.rules import Remark
    from localai.findings import Finding

_TITLES = {
    Topic.TRUST: "signatures and keys",
    Topic.PLACE: "not looked into",
    Topic.ENDING: "runs out within 90 days",
    Topic.WEAK: "weak spots",
    Topic.WAIVER: "waivers",
}


def audit(found: Audit, width: int) -> str:
    """What needs somebody first: files by what is wrong with them, then the rules, then figures."""
    lines = [
        line
        for state in (*(one for one in State if one is not State.APPROVED), State.APPROVED)
        for line in _state_lines(found, state, width)
    ]
    for topic, title in _TITLES.items():
        remarks = [remark for remark in found.remarks if _topic(remark) is topic]
        lines += _remark_lines(title, remarks, width)
    return "\n".join([*lines, *_figures(found, width)])


def _topic(remark: Remark) -> Topic:
    """The findings of manifests keep their own checks: they are about signatures and dates."""
    check = remark.finding.check
    return Topic(check) if check in set(Topic) else Topic.TRUST


def _state_lines(found: Audit, state: State, width: int) -> Iterator[str]:
    files = [file for file in found.files if file.state is state]
    if not files:
        return
    yield f"{state}: {len(files)}"
    for file in files:
        yield from hang("  - ", 4, printable(_describe(file)), width)
        yield from _do(file.finding, width)


def _describe(file: AuditedFile) -> str:
    named = f", {file.named.tool} {file.named.called}".rstrip() if file.named.tool else ""
    same = f", the same as {file.same_as}" if file.same_as else ""
    finding = file.finding
    said = f"{finding.summary}: {finding.evidence}" if finding.evidence else finding.summary
    return f"{file.path} ({file.kind}, {show_bytes(file.size)}{named}): {said}{same}"


def _remark_lines(title: str, remarks: Sequence[Remark], width: int) -> Iterator[str]:
    if not remarks:
        return
    yield f"{title}:"
    for remark in remarks:
        finding = remark.finding
        verdict = "" if finding.verdict is Verdict.NOTE else f"{finding.verdict}: "
        said = f"{verdict}{remark.subject}: {finding.summary}"
        evidence = f", {finding.evidence}" if finding.evidence else ""
        yield from hang("  - ", 4, printable(said + evidence), width)
        yield from _do(finding, width)


def _do(finding: Finding, width: int) -> list[str]:
    if not (finding.refuses and finding.remedy):
        return []
    return hang("    do  ", 8, printable(finding.remedy), width)


def _figures(found: Audit, width: int) -> Iterator[str]:
    count = len(found.files)
    same = f", {found.duplicates} of them duplicates" if found.duplicates else ""
    folders = printable(", ".join(str(folder) for folder in found.folders))
    files = "1 model-like file" if count == 1 else f"{count} model-like files"
    yield from hang("", 2, f"{files}{same}, {show_bytes(found.hashed)} hashed, in {folders}", width)
    wrong = sum(file.finding.refuses for file in found.files)
    rules = sum(remark.finding.refuses for remark in found.remarks)
    notes = sum(remark.finding.verdict is Verdict.NOTE for remark in found.remarks)
    worth = "1 note" if notes == 1 else f"{notes} notes"
    if found.clean:
        yield f"clean: every file is approved, {worth}"
    else:
        yield f"findings: {wrong} about files, {rules} about rules and folders; {worth}"
