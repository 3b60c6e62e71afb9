"""A run that was missed, failed or lies in the future is seen; a streak is counted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from schedulers import NOW

from localai.cli.screen import answers
from localai.findings import Finding, Verdict, refused
from localai.schedule.ground import Ground
from localai.schedule.status import (
    AHEAD,
    INTERRUPTED,
    LATE,
    SCHEDULE,
    SELF_TEST,
    Kept,
    find_interruptions,
    judge,
)
from localai.selftests.result import Result

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.NOT_CHECKED
MIDNIGHT = NOW.replace(hour=0, minute=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run(time: datetime, verdict: Verdict = PASS) -> Result:
    return Result(
        time, verdict, "0", "6", refusing=("sandbox: made up",) if verdict is FAIL else ()
    )


def status(ground: Ground, *history: Result, now: datetime = NOW, **kept: Any) -> list[Finding]:
    asked = Kept(ground, "daily", "a timer")._replace(**kept)
    return list(judge(asked, history, now))


def test_all_is_well(ground: Ground) -> None:
    schedule, newest = status(ground, *(run(MIDNIGHT - DAY * days) for days in (3, 2, 1, 0)))
    assert (schedule.verdict, newest.verdict) == (PASS, PASS)
    assert "next run 2026-03-05 00:00 UTC" in schedule.evidence
    assert "last run 2026-03-04 00:00 UTC, 4 in a row since 2026-03-01 00:00" in newest.evidence


def test_a_streak_begins_after_a_failure(ground: Ground) -> None:
    history = [run(MIDNIGHT - DAY * days, FAIL if days == 2 else PASS) for days in (3, 2, 1, 0)]
    assert ", 2 in a row since 2026-03-03" in status(ground, *history)[1].evidence


@pytest.mark.parametrize("verdict", [FAIL, UNKNOWN])
def test_the_newest_must_be_a_pass(ground: Ground, verdict: Verdict) -> None:
    findings = status(ground, run(MIDNIGHT - HOUR), run(MIDNIGHT, verdict))
    assert findings[1].verdict is verdict and refused(findings)
    assert "made up" in findings[1].evidence or verdict is UNKNOWN


@pytest.mark.parametrize(
    ("rhythm", "last", "late"),
    [
        ("daily", MIDNIGHT, MIDNIGHT + DAY),
        ("daily", NOW, MIDNIGHT + DAY),
        ("hourly", NOW, NOW.replace(hour=13, minute=0)),
        ("Sat 09:00", NOW, NOW.replace(day=7, hour=9, minute=0)),  # a gap that is no fault
    ],
)
def test_a_missed_run_is_seen(
    ground: Ground, checker: str, rhythm: str, last: datetime, late: datetime
) -> None:
    def ask(now: datetime) -> Finding:
        return status(ground, run(last), now=now, rhythm=rhythm)[1]

    assert ask(late + LATE).verdict is PASS
    overdue = ask(late + LATE + timedelta(seconds=1))
    assert (overdue.verdict, overdue.summary) == (UNKNOWN, "overdue")


def test_a_clock_that_was_put_back_proves_nothing(ground: Ground) -> None:
    assert status(ground, run(NOW + AHEAD))[1].verdict is PASS
    future = status(ground, run(NOW + AHEAD + timedelta(seconds=1)))[1]
    assert (future.verdict, future.summary) == (UNKNOWN, "in the future")


def test_no_schedule_and_no_result(ground: Ground) -> None:
    findings = judge(None, (), NOW)
    assert [finding.verdict for finding in findings] == [UNKNOWN, UNKNOWN]
    passed = judge(None, (run(NOW),), NOW)
    assert [finding.verdict for finding in passed] == [UNKNOWN, PASS] and refused(passed)


def test_no_result_yet(ground: Ground) -> None:
    assert status(ground)[1].summary == "no result yet"


def test_a_schedule_that_is_not_in_force(ground: Ground) -> None:
    findings = status(ground, run(NOW), problem="systemd has it inactive", remedy="start it")
    assert findings[0].verdict is UNKNOWN and "inactive" in findings[0].evidence


def test_a_schedule_that_never_comes_again(ground: Ground, checker: str) -> None:
    once = status(ground, run(NOW - HOUR), rhythm="2026-03-04 12:00")
    assert once[0].verdict is FAIL and once[1].summary == "overdue"


def test_units_that_cannot_be_read_have_no_rhythm(ground: Ground) -> None:
    findings = status(ground, run(NOW), rhythm="", problem="not as localai wrote them")
    assert [finding.verdict for finding in findings] == [UNKNOWN, PASS]


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"booted": True, "user": True}, "sudo loginctl enable-linger pat"),
        ({"distribution": "Ubuntu"}, "schtasks /Create"),
    ],
)
def test_what_interrupts_a_schedule_is_said(
    ground: Ground, changes: dict[str, Any], command: str
) -> None:
    (note,) = find_interruptions(ground._replace(**changes), "daily")
    assert note.verdict is Verdict.NOTE and command in note.remedy and "pat" in note.remedy
    assert note in status(ground._replace(**changes), run(NOW))


@pytest.mark.parametrize("width", [20, 80, 200])
def test_every_row_has_a_name_and_a_verdict_apart(ground: Ground, width: int) -> None:
    findings = status(ground._replace(booted=True, user=True, distribution="Ubuntu"), run(NOW))
    shown = answers(findings, width)
    assert {finding.check for finding in findings} == {SCHEDULE, SELF_TEST, INTERRUPTED}
    for title, verdict in {"schedule": "pass", "self-test": "pass", "interrupted": "note"}.items():
        assert re.search(rf"^ *{title}:? +{verdict}\b", shown, re.MULTILINE), shown


@pytest.mark.parametrize(
    "changes",
    [{"booted": True, "user": True, "lingers": True}, {"booted": True}, {"user": True}, {}],
)
def test_what_interrupts_nothing(ground: Ground, changes: dict[str, Any]) -> None:
    assert find_interruptions(ground._replace(**changes), "daily") == ()


def test_windows_starts_it_as_often_as_asked(ground: Ground) -> None:
    wsl = ground._replace(distribution="Ubuntu-24.04")
    assert "/SC HOURLY" in find_interruptions(wsl, "hourly")[0].remedy
    assert "/SC DAILY" in find_interruptions(wsl, "daily")[0].remedy
