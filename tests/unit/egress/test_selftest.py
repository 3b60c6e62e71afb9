"""Judging: only sinks acquit, and whatever is missing refuses."""

from __future__ import annotations

import errno

import pytest

from localai.egress.probes.probe import Attempt
from localai.egress.selftest import (
    EgressReport,
    FilterReport,
    Judged,
    Outcome,
    judge,
)

ROW = Judged(
    probe="udp4",
    control_nonce="c0c0c0c",
    nonce="f00f00f",
    control=Attempt(),
    attempt=Attempt(error=errno.EPERM),
    closing=frozenset({errno.ENOSYS}),
)
CONTROL = b"...c0c0c0c..."
BOTH = b"c0c0c0c f00f00f"


def outcome(row: Judged, received: bytes) -> Outcome:
    return judge([row], received, errno.errorcode)[0].outcome


def test_a_control_that_arrived_and_a_probe_that_did_not() -> None:
    assert outcome(ROW, CONTROL) is Outcome.BLOCKED


def test_the_sink_decides_whatever_the_errno_says() -> None:
    assert outcome(ROW, BOTH) is Outcome.ARRIVED


def test_success_without_arrival_is_blocked() -> None:
    assert outcome(ROW._replace(attempt=Attempt()), CONTROL) is Outcome.BLOCKED


def test_what_a_reading_probe_learned_has_arrived() -> None:
    row = ROW._replace(control_nonce=ROW.nonce, control=Attempt(learned=ROW.nonce))
    assert outcome(row, b"") is Outcome.BLOCKED
    assert outcome(row._replace(attempt=Attempt(learned="xf00f00fx")), b"") is Outcome.ARRIVED


@pytest.mark.parametrize(
    ("row", "received"),
    [
        pytest.param(ROW, b"", id="the control did not arrive"),
        pytest.param(
            ROW._replace(control=Attempt(error=errno.EPERM)), b"", id="an errno not listed"
        ),
        pytest.param(ROW._replace(control=None), CONTROL, id="no control was reported"),
        pytest.param(ROW._replace(control=Attempt(failed="x")), CONTROL, id="a failed control"),
        pytest.param(ROW._replace(attempt=None), CONTROL, id="no probe was reported"),
        pytest.param(ROW._replace(attempt=Attempt(failed="x")), CONTROL, id="a failed probe"),
        pytest.param(
            ROW._replace(attempt=Attempt(error=errno.EBUSY)), CONTROL, id="a kernel that was busy"
        ),
    ],
)
def test_anything_else_was_not_checked(row: Judged, received: bytes) -> None:
    assert outcome(row, received) is Outcome.NOT_CHECKED


def test_closed_needs_an_errno_of_this_very_probes() -> None:
    row = ROW._replace(control=Attempt(error=errno.ENOSYS))
    assert outcome(row, b"") is Outcome.CLOSED
    assert outcome(row._replace(closing=frozenset()), b"") is Outcome.NOT_CHECKED


def test_a_closed_way_through_which_something_came_is_open() -> None:
    row = ROW._replace(control=Attempt(error=errno.ENOSYS))
    assert outcome(row, b"f00f00f") is Outcome.ARRIVED


def test_unsafe_is_counted_apart() -> None:
    assert outcome(ROW._replace(unsafe="no network of our own"), b"") is Outcome.UNSAFE_HERE


@pytest.mark.parametrize("by_class", [True, False])
def test_what_was_tried_by_class_is_marked(by_class: bool) -> None:
    results = tuple(judge([ROW._replace(by_class=by_class)], CONTROL, errno.errorcode))
    assert results[0].outcome is Outcome.BLOCKED
    assert EgressReport(results, {}, 0.1).by_class == (("udp4",) if by_class else ())


def test_the_report_counts_only_what_was_sent() -> None:
    rows = [
        ROW,
        ROW._replace(probe="x32", control=Attempt(error=errno.ENOSYS), control_nonce="1111111"),
        ROW._replace(probe="multicast", unsafe="no network of our own"),
        ROW._replace(probe="tcp4", nonce="2222222", attempt=Attempt(error=errno.EPERM)),
    ]
    results = tuple(judge(rows, CONTROL + b"2222222", errno.errorcode))
    report = EgressReport(results, {"launcher": FilterReport(results[:1])}, 0.1)
    assert (report.probes, report.controls_arrived) == (2, 2)
    assert report.arrived == ("tcp4",)
    assert (report.closed, report.unsafe_here) == (("x32",), ("multicast",))
    assert (report.launcher.probes, report.launcher.arrived) == (1, ())
