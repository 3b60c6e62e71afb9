"""Does the schedule hold? Judged by the newest result: a run that was missed is not passed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from localai.findings import Finding, Verdict
from localai.schedule.ground import Ground
from localai.schedule.rhythm import HOURLY, next_after
from localai.selftests.result import Result

SCHEDULE, SELF_TEST, INTERRUPTED = "schedule", "self-test", "schedule-interrupted"
LATE = timedelta(minutes=15)
"""How late a result may be: a timer's own minute, the self-test, a host that has just started."""
AHEAD = timedelta(minutes=1)
"""How far a clock may be put back between a result and now before the result proves nothing."""
AGAIN = "localai selftest, and see to what it says"


class Kept(NamedTuple):
    """A schedule that is in force, or should be: how often, who keeps it and where it stands,
    and why it is not in force, where that can be seen."""

    ground: Ground
    rhythm: str
    keeper: str
    problem: str = ""
    remedy: str = ""


def judge(kept: Kept | None, history: Sequence[Result], now: datetime) -> tuple[Finding, ...]:
    """The schedule, the newest result, and what may interrupt the schedule (notes).

    ``history`` is oldest first, ``now`` in UTC. Raises LocalAIError if systemd cannot be asked
    when a calendar expression comes round.
    """
    newest = history[-1] if history else None
    if kept is None:
        none = "nothing starts the self-test"
        remedy = "localai selftest schedule --daily"
        asked = Finding(SCHEDULE, Verdict.NOT_CHECKED, "none", none, remedy=remedy)
        return asked, judge_newest(newest, now, None, history)
    due = next_after(kept.ground, kept.rhythm, newest.time) if newest and kept.rhythm else None
    return (
        _judge_schedule(kept, now),
        judge_newest(newest, now, due, history),
        *find_interruptions(kept.ground, kept.rhythm),
    )


def judge_newest(
    newest: Result | None, now: datetime, due: datetime | None, history: Sequence[Result]
) -> Finding:
    """Was it a pass, and is the next one not overdue (``due``, None if that cannot be said)?"""
    if newest is None:
        return Finding(SELF_TEST, Verdict.NOT_CHECKED, "no result yet", remedy="localai selftest")
    last = f"last run {show_time(newest.time)}"
    if newest.time > now + AHEAD:
        remedy = "check the clock, then localai selftest"
        why = "a clock that was put back says nothing about how old a result is"
        return Finding(SELF_TEST, Verdict.NOT_CHECKED, "in the future", last, why, remedy)
    if not newest.passed:
        evidence = ", ".join((last, *newest.refusing))
        return Finding(SELF_TEST, newest.verdict, "not passed", evidence, remedy=AGAIN)
    if due and now > due + LATE:
        evidence = f"{last}, the next one was due {show_time(due)}"
        why = "a self-test that does not run cannot fail"
        return Finding(SELF_TEST, Verdict.NOT_CHECKED, "overdue", evidence, why, AGAIN)
    streak = list(takewhile(lambda result: result.passed, reversed(history)))
    since = show_time(streak[-1].time)
    evidence = f"{last}, {len(streak)} in a row since {since}"
    return Finding(SELF_TEST, Verdict.PASS, "passed", evidence)


def find_interruptions(ground: Ground, rhythm: str) -> tuple[Finding, ...]:
    """What stops a schedule without a word, each with the administrator's command against it."""
    found = []
    if ground.booted and ground.user and not ground.lingers:
        evidence = f"systemd stops {ground.account}'s timers when {ground.account} logs out"
        remedy = f"sudo loginctl enable-linger {ground.account}"
        found.append(Finding(INTERRUPTED, Verdict.NOTE, "at logout", evidence, remedy=remedy))
    if ground.distribution:
        evidence = "WSL stops a distribution that is idle, with its timers and its cron"
        every = "HOURLY" if rhythm == HOURLY else "DAILY"
        inside = f"wsl.exe -d {ground.distribution} -u {ground.account} -- localai selftest"
        remedy = f'in Windows: schtasks /Create /TN localai-selftest /SC {every} /TR "{inside}"'
        found.append(Finding(INTERRUPTED, Verdict.NOTE, "while idle", evidence, remedy=remedy))
    return tuple(found)


def show_time(time: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _judge_schedule(kept: Kept, now: datetime) -> Finding:
    if kept.problem:
        evidence = f"{kept.keeper}: {kept.problem}"
        summary = kept.rhythm or "unreadable"
        return Finding(SCHEDULE, Verdict.NOT_CHECKED, summary, evidence, remedy=kept.remedy)
    following = next_after(kept.ground, kept.rhythm, now)
    if following is None:
        evidence = f"{kept.keeper}: it never comes again"
        remedy = "localai selftest schedule --daily"
        return Finding(SCHEDULE, Verdict.FAIL, kept.rhythm, evidence, remedy=remedy)
    evidence = f"next run {show_time(following)}, {kept.keeper}"
    return Finding(SCHEDULE, Verdict.PASS, kept.rhythm, evidence)
