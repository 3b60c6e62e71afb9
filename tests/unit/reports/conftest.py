"""Reports of self-tests that went wrong, and one full of text from elsewhere."""

from __future__ import annotations

import pytest
from hostile import HOSTILE

from localai.egress.selftest import EgressReport, FilterReport, Outcome, ProbeResult
from localai.findings import Finding, Verdict
from localai.reports.report import Report


@pytest.fixture
def failed(report: Report) -> Report:
    """tcp4 got out of the worker and under one filter; others were not checked, closed, unsafe."""
    results = (
        ProbeResult("tcp4", Outcome.ARRIVED, True, 0, "its nonce reached the sink"),
        ProbeResult("tcp6", Outcome.NOT_CHECKED, False, 0, "control: no report"),
        ProbeResult("x32", Outcome.CLOSED, False, 38, "ENOSYS"),
        ProbeResult("vsock", Outcome.UNSAFE_HERE, False, 0, "no loopback for it"),
        ProbeResult("fork", Outcome.BLOCKED, True, 1, "EPERM"),
    )
    egress = EgressReport(results, {"launcher": FilterReport(results[:1])}, 0.25)
    finding = Finding("sandbox-egress", Verdict.FAIL, "1 of 3 got out", "tcp4")
    refusing = ("sandbox-egress: 1 of 3 got out",)
    result = report.result._replace(verdict=Verdict.FAIL, refusing=refusing)
    return report._replace(result=result, findings=(finding,), egress=egress)


@pytest.fixture
def unprobed(report: Report) -> Report:
    """No worker could be had."""
    finding = Finding("sandbox-egress", Verdict.NOT_CHECKED, "not probed", "no worker")
    result = report.result._replace(
        verdict=Verdict.NOT_CHECKED, refusing=("sandbox-egress: not probed",)
    )
    return report._replace(result=result, findings=(finding,), egress=None)


@pytest.fixture
def hostile(failed: Report) -> Report:
    """The same, where every text that could come from elsewhere tries to break out of its place."""
    assert failed.egress
    bad = ProbeResult(HOSTILE, Outcome.ARRIVED, True, 0, HOSTILE)
    result = failed.result._replace(kernel=HOSTILE, localai=HOSTILE, refusing=(HOSTILE,))
    return Report(
        result,
        (Finding(HOSTILE, Verdict.FAIL, HOSTILE, HOSTILE),),
        (Finding(HOSTILE, Verdict.NOTE, HOSTILE),),
        failed.egress._replace(results=(bad,)),
        None,
        HOSTILE,
    )
