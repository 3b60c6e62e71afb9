"""The layout of the screens of a start: what was proved, every check, a refusal. Pure: facts and a
width in, text out.

Each row says a finding's own words, the same that the JSON has. From 72 columns on rows are set
in columns, below that in lines under one another.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from localai import __version__
from localai.environment import Power, Reading
from localai.errors import Exit
from localai.findings import Finding, Verdict
from localai.hardware import show_bytes
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.plan.build import Decision
    from localai.plan.facts import Artifact, Facts
    from localai.sandbox.status import Layer

TITLES = {
    "environment-label": "label",
    "policy": "policy",
    "account": "who",
    "manifest-signature": "manifest",
    "manifest-freshness": "manifest",
    "artifact-approved": "weights",
    "artifact-format": "format",
    "chat-template": "template",
    "companions": "companions",
    "approved-use": "approved",
    "review-date": "review",
    "licence": "licence",
    "restricted-technology": "technology",
    "telemetry-off": "telemetry",
    "host-egress": "host",
    "host-listening": "listening",
    "host-connections": "connections",
    "host-tools": "AI tools",
    "host-switches": "switches",
    "host-folders": "folders",
    "host-account": "account",
    "host-paths": "paths",
    "host-core-dumps": "core dumps",
    "host-swap": "swap",
    "host-tracing": "tracing",
    "host-disk": "disk",
    "host-windows": "Windows side",
    "host-targets": "targets",
    "sandbox": "sandbox",
    "sandbox-egress": "egress",
    "self-test": "self-test",
    "schedule-interrupted": "interrupted",
    "resources": "memory",
    "gguf-header": "header",
    "gguf-kind": "kind",
    "gguf-set": "set",
    "gguf-layout": "layout",
    "gguf-shapes": "shapes",
    "gguf-keys": "keys",
    "gguf-tokenizer": "tokenizer",
    "gguf-text": "texts",
    "gguf-adapter": "adapter",
    "file-type": "file type",
    "dataset": "dataset",
}
_POWERS = {
    Power.ADMINISTRATOR: "the administrator's, grants",
    Power.SELF_DECLARED: "self-declared, grants if the policy lets it",
    Power.DENY: "can only deny",
    Power.HOST_NAME: "can only deny",
}
# These have a row on the start screen only if there is more to say than "pass".
_QUIET = frozenset(
    {
        *("policy", "account", "artifact-format", "chat-template", "review-date", "licence"),
        *("restricted-technology", "self-test", "resources"),
    }
)
NARROW = 72  # columns: below that there are none
_TITLE, _SUMMARY, _VERDICT = 13, 20, 13


def start(facts: Facts, decision: Decision, width: int) -> str:
    """What was proved in this run, one row a question."""
    lines = [_header(facts.artifact, width), ""]
    for finding in _merge_manifest(decision.findings):
        if finding.check == "telemetry-off":
            lines += row("transcript", "not kept", "", width)
        if _is_quiet(finding, facts):
            continue
        lines += row(_title(finding), finding.summary, finding.evidence, width)
        if finding.verdict is Verdict.WAIVED:
            lines += more("why", finding.why, width)
    return "\n".join(lines)


def _is_quiet(finding: Finding, facts: Facts) -> bool:
    quiet = _QUIET if facts.companions else _QUIET | {"companions"}
    return finding.check in quiet and finding.verdict is Verdict.PASS


def check(facts: Facts, decision: Decision, record: int, width: int) -> str:
    """Every gate's answer with its verdict, and for those that refuse why and what to do."""
    lines = [_header(facts.artifact, width), "", answers(decision.findings, width)]
    outcome = "allowed" if decision.allowed else f"refused: {_count(decision)}"
    lines += wrap(f"{outcome}. no model was loaded. record {record}", width)
    return "\n".join(lines)


def answers(findings: Sequence[Finding], width: int) -> str:
    """A row for each finding with its verdict; why where it refuses or was waived, what to do
    wherever there is something to do."""
    lines = []
    for finding in findings:
        lines += row(_title(finding), finding.summary, finding.evidence, width, finding.verdict)
        if finding.refuses or finding.verdict is Verdict.WAIVED:
            lines += more("why", finding.why, width)
        lines += more("do", finding.remedy, width)
    return "\n".join(lines)


def refusal(decision: Decision, record: int, width: int) -> str:
    """Everything that is wrong, each with its remedy; what therefore could not be checked stands
    in one row."""
    lines = [*wrap(f"localai: refused: {_count(decision)}", width), ""]
    failed = any(finding.verdict is Verdict.FAIL for finding in decision.refusing)
    follows: dict[str, list[str]] = {}
    for finding in decision.refusing:
        if failed and finding.verdict is Verdict.NOT_CHECKED and not finding.remedy:
            follows.setdefault(finding.evidence, []).append(_title(finding))
            continue
        lines += row(_title(finding), finding.summary, finding.evidence, width)
        lines += more("why", finding.why, width) + more("do", finding.remedy, width)
    said = "; ".join(f"{', '.join(titles)}: {why}" for why, titles in follows.items())
    if said:
        lines += row("not checked", "", said, width)
    end = f"nothing was started. record {record}, exit code {int(Exit.REFUSED)}"
    return "\n".join([*lines, *wrap(end, width)])


def label(readings: Sequence[Reading], finding: Finding, width: int) -> str:
    """Every source of a label, and what follows from them."""
    lines = [answers([finding], width), ""]
    for reading in readings:
        wrong = reading.problem or reading.void
        power = "counts for nothing" if wrong else _POWERS[reading.power]
        said = f"{reading.source}: {reading.value or 'nothing'} ({power})"
        lines += wrap(printable(f"{said}: {wrong}" if wrong else said), width, "  ")
    return "\n".join(lines)


def confinement(layers: Sequence[Layer], when: str, width: int) -> str:
    """What was found in force around a guest, and what not."""
    lines = wrap(f"confined as a worker is {when}:", width)
    for layer in layers:
        state = "in force" if layer.in_force else "NOT in force"
        lines += row(layer.name, "", layer.detail, width, state)
    return "\n".join(lines)


def _header(artifact: Artifact | None, width: int) -> str:
    what = ""
    if artifact:
        size = f", {show_bytes(artifact.size)}" if artifact.size else ""
        what = f"   {printable(artifact.name)}{size}"
    return "\n".join(wrap(f"localai {__version__}{what}", width))


def _count(decision: Decision) -> str:
    failed = sum(finding.verdict is Verdict.FAIL for finding in decision.findings)
    unchecked = len(decision.refusing) - failed
    total = len(decision.findings)
    words = [f"{failed} of {total} checks failed"] if failed else []
    words += [f"{unchecked} {'' if failed else f'of {total} '}not checked"] if unchecked else []
    return ", ".join(words)


def _merge_manifest(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """Signature and freshness share a row: they are two halves of one answer."""
    by_check = {finding.check: finding for finding in findings}
    fresh = by_check.get("manifest-freshness")
    for finding in findings:
        if finding.check == "manifest-signature" and fresh and fresh.verdict is Verdict.PASS:
            evidence = ", ".join(filter(None, (finding.evidence, fresh.summary)))
            yield Finding(finding.check, finding.verdict, finding.summary, evidence)
        elif finding is not fresh or fresh.verdict is not Verdict.PASS:
            yield finding


def _title(finding: Finding) -> str:
    return TITLES.get(finding.check, finding.check)


def row(title: str, summary: str, evidence: str, width: int, verdict: str = "") -> list[str]:
    """One answer: what it is about, its verdict, the answer in a word or two, what it rests on."""
    summary, evidence = printable(summary), printable(evidence)
    if width < NARROW:
        said = ", ".join(filter(None, (verdict, summary)))
        answer = wrap(f"{title}: {said}", width, below="  ")
        return answer + (wrap(evidence, width, "  ") if evidence else [])
    start = f"  {title:<{_TITLE}}" + (f"{verdict:<{_VERDICT}}" if verdict else "")
    if not evidence:
        return [start + summary]
    if len(summary) >= _SUMMARY:  # it leaves no room beside it
        below = " " * len(start)
        return [start + summary, *hang(below, len(start), evidence, width)]
    column = f"{summary:<{_SUMMARY}}" if summary else ""
    return hang(start + column, len(start + column), evidence, width)


def more(word: str, text: str, width: int) -> list[str]:
    """A line below a row: why, or what to do; none if there is nothing to say."""
    text = printable(text)
    if not text:
        return []
    if width < NARROW:
        return wrap(f"{word}: {text}", width, "  ")
    first = " " * (2 + _TITLE) + f"{word:<6}"
    return hang(first, len(first), text, width)


def titled(title: str, text: str, width: int, column: int = _TITLE) -> list[str]:
    """A row that is no answer; none if there is nothing to say."""
    text = printable(text)
    if not text:
        return []
    if width < NARROW:
        return wrap(f"{title}: {text}", width, below="  ")
    return hang(f"  {title:<{column}}", 2 + column, text, width)


def join(lines: Iterable[str]) -> str:
    """``lines`` below one another, each fit for a terminal."""
    return "\n".join(map(printable, lines))


def hang(first: str, indent: int, text: str, width: int) -> list[str]:
    """``text`` after ``first``, its further lines indented. A path or a digest stays in one piece,
    to be copied, even where it is longer than the line."""
    return textwrap.wrap(
        text,
        _fitting(text, width, indent),
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def wrap(text: str, width: int, indent: str = "", *, below: str = "") -> list[str]:
    """``text`` in lines of ``width`` columns, those below the first further in by ``below``: at the
    edge they could imitate a row."""
    return textwrap.wrap(
        text,
        _fitting(text, width, len(indent + below)),
        initial_indent=indent,
        subsequent_indent=indent + below,
        break_on_hyphens=False,
    )


def _fitting(text: str, width: int, indent: int) -> int:
    """How many letters of ``text`` fit into a line: those of some scripts are two columns wide
    (UAX #11). What did not fit would begin a row of its own, and could imitate one."""
    if text.isascii():
        return width
    from unicodedata import east_asian_width  # most texts need no table

    wide = any(east_asian_width(letter) in "WF" for letter in text)
    return indent + (width - indent) // 2 if wide else width
