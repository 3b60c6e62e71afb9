"""Wording for self-tests: the matrix, the history, one probe explained. Nothing here prints."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from localai.cli.screen import NARROW, answers, hang, titled, wrap
from localai.egress.catalogue import EXPLANATIONS
from localai.egress.probes import BY_NAME
from localai.egress.selftest import Outcome
from localai.errors import UsageError
from localai.findings import Verdict
from localai.selftests.remarks import remarks
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.egress.selftest import EgressReport, ProbeResult
    from localai.reports.report import Report
    from localai.selftests.result import Result

_ODD = {
    Outcome.ARRIVED: "got out",
    Outcome.NOT_CHECKED: "not checked",
    Outcome.CLOSED: "closed here",
    Outcome.UNSAFE_HERE: "unsafe here",
}
_ENDS = {
    Verdict.PASS: "passed: nothing got out",
    Verdict.FAIL: "failed",
    Verdict.NOT_CHECKED: "not checked",
}


def selftest(report: Report, width: int) -> str:
    """Everything that was found: sandbox, the whole matrix, the host, and what follows."""
    result = report.result
    about = f"localai {result.localai}   self-test of {report.host}"
    lines = wrap(printable(f"{about}, {_time(result)} UTC, Linux {result.kernel}"), width)
    lines += ["", answers(report.findings, width)]
    if report.egress:
        lines += ["", *_matrix(report.egress, width)]
    if report.posture:
        lines += ["", answers(report.posture, width)]
    said = "; ".join(filter(None, (_ENDS[result.verdict], *map(printable, result.refusing))))
    end = f"{said}. result {result.number}, exit code {int(report.exit_code)}"
    return "\n".join([*lines, "", *wrap(end, width)])


def _matrix(report: EgressReport, width: int) -> Iterator[str]:
    """First whatever was not blocked, each with its reason; then what was, by kind of way."""
    for outcome, title in _ODD.items():
        yield from titled(title, "; ".join(_named(report, outcome)), width)
    kinds: dict[str, list[str]] = {}
    for one in report.results:
        if one.outcome is Outcome.BLOCKED:
            kinds.setdefault(_kind(one), []).append(one.probe)
    for kind, names in kinds.items():
        yield from titled(kind, f"{len(names)} blocked: {', '.join(names)}", width)
    by_class = ", ".join(report.by_class)
    yield from titled("by class", by_class and f"{by_class}: tried on paths of our own", width)
    filters = [
        f"{name} {sum(one.outcome is Outcome.BLOCKED for one in found.results)} of {found.probes}"
        for name, found in report.filters.items()
    ]
    yield from titled("filters", f"each alone blocked: {', '.join(filters)}", width)


def _named(report: EgressReport, outcome: Outcome) -> Iterator[str]:
    """The probes with one outcome, each with its reason; unsafe ones by reason, there are many."""
    found = [one for one in report.results if one.outcome is outcome]
    if outcome is Outcome.UNSAFE_HERE:
        reasons: dict[str, list[str]] = {}
        for one in found:
            reason, _, twin = one.detail.partition("; see ")
            reasons.setdefault(reason, []).append(one.probe + (f" (see {twin})" if twin else ""))
        yield from (f"{reason}: {', '.join(names)}" for reason, names in reasons.items())
        return
    closed = outcome is Outcome.CLOSED
    yield from (f"{one.probe}: {one.detail}{_otherwise(one) if closed else ''}" for one in found)
    if not closed:  # which ways are closed is known of the worker's probes already
        for name, under in report.filters.items():
            for one in under.results:
                if one.outcome is outcome:
                    yield f"{one.probe} ({name} filter): {one.detail}"


def _otherwise(result: ProbeResult) -> str:
    """Which layers would stop a way that this kernel keeps closed."""
    said = EXPLANATIONS.get(result.probe)
    return f", else {', '.join(said.stopped_by)} would stop it" if said else ""


def _kind(result: ProbeResult) -> str:
    """The module of a probe is named after the kind of way."""
    return BY_NAME[result.probe].attempt.__module__.rpartition(".")[2]


def history(results: Sequence[Result], last: int, width: int) -> str:
    """The newest ``last`` results, one line each, oldest first. ``results`` is all of them."""
    if not results:
        return "no result yet: localai selftest makes one"
    lines = []
    if older := len(results[:-last]):
        lines += wrap(f"{older} older not shown: --last {len(results)} shows all", width)
    before = results[-last - 1] if older else None
    for result in results[-last:]:
        lines += _line(result, before, width)
        before = result
    return "\n".join(lines)


def _line(result: Result, before: Result | None, width: int) -> list[str]:
    said = printable("; ".join(remarks(result, before)))
    if width < NARROW:
        return wrap(f"{result.number}: {_time(result)}, {result.verdict}; {said}", width)
    first = f"{result.number:>5}  {_time(result)}  {result.verdict:<11}  "
    return hang(first, len(first), said, width)


def _time(result: Result) -> str:
    return f"{result.time:%Y-%m-%d %H:%M}"


def explanation(name: str, width: int) -> str:
    """One probe: what it is, why it matters, what stops it. Raises UsageError if there is none
    of that name."""
    if name not in BY_NAME:
        near = get_close_matches(name, BY_NAME, n=1)
        every = "for the names: localai selftest"
        hint = f"localai selftest --explain {near[0]}" if near else every
        raise UsageError(f"there is no probe {name!r}", hint=hint)
    probe, said = BY_NAME[name], EXPLANATIONS[name]
    each = ": each of them alone" if len(said.stopped_by) > 1 else " alone"
    rows = {
        "what": said.what,
        "why": said.why,
        "stopped by": f"{', '.join(said.stopped_by)}{each}",
        "arrives at": f"{probe.sink}, a sink of localai's own",
        "closed by": ", ".join(sorted(map(_error_name, probe.closing))),
        "else see": probe.twin,
        "taught by": said.lesson,
    }
    lines = wrap(f"{name}: {probe.way}", width)
    for title, text in rows.items():
        lines += titled(title, text, width)
    return "\n".join(lines)


def _error_name(number: int) -> str:
    return signal.Signals(-number).name if number < 0 else errno.errorcode.get(number, str(number))
