"""The result of a self-test: what it sums up, and that a line of the log says all of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from localai.egress.selftest import EgressReport, FilterReport, Outcome, ProbeResult
from localai.errors import DocumentError, Exit
from localai.findings import Finding, Verdict
from localai.reports.report import Report
from localai.selftests.result import Boundary, Result, make_result, read_result, result_line

NOW = datetime(2026, 3, 1, 3, 4, 5, 678000, UTC)
PASS, NOTE, FAIL, NOT_CHECKED, WAIVED = (
    Finding("sandbox", verdict, "a word")
    for verdict in (
        Verdict.PASS,
        Verdict.NOTE,
        Verdict.FAIL,
        Verdict.NOT_CHECKED,
        Verdict.WAIVED,
    )
)


def result_of(egress: EgressReport | None, *findings: Finding) -> Result:
    return make_result(NOW, egress, findings, version="0.1.0", kernel="6.18.0")


@pytest.mark.parametrize(
    ("findings", "verdict", "code"),
    [
        ((PASS, NOTE, WAIVED), Verdict.PASS, 0),
        ((PASS, NOT_CHECKED), Verdict.NOT_CHECKED, 4),
        ((PASS, FAIL), Verdict.FAIL, 3),
        ((NOT_CHECKED, FAIL, PASS), Verdict.FAIL, 3),  # what got out is not hidden by the rest
        ((), Verdict.NOT_CHECKED, 4),
    ],
)
def test_the_worst_finding_decides(
    egress: EgressReport, findings: tuple[Finding, ...], verdict: Verdict, code: int
) -> None:
    result = result_of(egress, *findings)
    assert result.verdict is verdict
    assert Report(result, findings, (), egress, None, "vm").exit_code is Exit(code)
    assert result.refusing == tuple("sandbox: a word" for one in findings if one.refuses)


@pytest.mark.parametrize("findings", [(PASS,), (FAIL,), (WAIVED,), ()])
def test_without_a_worker_nothing_was_checked(findings: tuple[Finding, ...]) -> None:
    assert result_of(None, *findings).verdict is Verdict.NOT_CHECKED


def test_a_line_holds_the_whole_result() -> None:
    def probes(outcome: Outcome, *names: str) -> tuple[ProbeResult, ...]:
        return tuple(ProbeResult(name, outcome, True, 0, "") for name in names)

    worker = (
        *probes(Outcome.ARRIVED, "tcp4"),
        *probes(Outcome.NOT_CHECKED, "tcp6", "udp4"),
        *probes(Outcome.CLOSED, "x32"),
        *probes(Outcome.UNSAFE_HERE, "multicast"),
        *probes(Outcome.BLOCKED, "fork"),
    )
    worker = (*worker[:-1], worker[-1]._replace(by_class=True))
    model = FilterReport((*probes(Outcome.ARRIVED, "udp6"), *probes(Outcome.NOT_CHECKED, "dns")))
    filters = {"model": model, "launcher": FilterReport(probes(Outcome.BLOCKED, "fork"))}
    result = result_of(EgressReport(worker, filters, 0.1234), FAIL, WAIVED)
    assert result.waived == ("sandbox",)
    assert [result.worker.probes, *(one.probes for one in result.filters.values())] == [4, 2, 1]
    assert (result.worker.arrived, result.worker.not_checked) == (("tcp4",), ("tcp6", "udp4"))
    assert result.filters["model"] == Boundary(2, ("udp6",), ("dns",))
    assert result.by_class == ("fork",)
    assert (result.closed, result.unsafe_here) == (("x32",), ("multicast",))
    line = json.loads(json.dumps({"number": 9, **result_line(result)}))
    assert read_result(line) == result._replace(number=9)


def test_times_are_kept_in_utc(egress: EgressReport) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-6)))
    line = result_line(result_of(egress, PASS)._replace(time=elsewhere))
    assert line["time"] == "2026-03-01T03:04:05.678+00:00"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("record", "localai.record/1"),
        ("record", None),
        ("time", "2026-03-01T03:04:05"),
        ("time", "yesterday"),
        ("time", 5),
        ("verdict", "passed"),
        ("verdict", True),
        ("worker", None),
        ("worker", {}),
        ("worker", {"probes": True, "arrived": [], "not_checked": []}),
        ("closed", "x32"),
        ("closed", [1]),
        ("filters", []),
        ("filters", {"model": {}}),
        ("seconds", "1"),
        ("controls_arrived", 1.5),
        ("number", None),
    ],
)
def test_what_is_not_wholly_a_result_is_none(egress: EgressReport, key: str, value: object) -> None:
    line = {"number": 1, **result_line(result_of(egress, PASS))}
    assert read_result(line).passed
    with pytest.raises(DocumentError):
        read_result(line | {key: value})
    del line[key]
    with pytest.raises(DocumentError, match=f"{key} is missing"):
        read_result(line)
