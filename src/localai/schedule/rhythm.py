"""How often: every day, every hour, or what a calendar expression of systemd's says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from localai.errors import PlatformError, UsageError
from localai.schedule.ground import Ground, ask

DAILY, HOURLY = "daily", "hourly"
FIXED = (DAILY, HOURLY)
_ELAPSE = re.compile(
    r"^ *(?:Next elapse|\(in UTC\)): (?:\w{3} )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? UTC$",
    re.MULTILINE,
)


def check_rhythm(ground: Ground, rhythm: str, now: datetime) -> None:
    """Raise UsageError unless systemd understands ``rhythm`` and it comes round at least once."""
    if rhythm in FIXED:
        return
    if not rhythm.isprintable() or next_after(ground, rhythm, now) is None:
        raise UsageError(f"{rhythm!r} never comes", hint=_hint(ground))


def next_after(ground: Ground, rhythm: str, moment: datetime) -> datetime | None:
    """When a self-test is next due after ``moment`` (both in UTC), None if never.

    Days and hours are those of this host's own time zone, as they are for systemd and cron.
    Raises UsageError if systemd does not understand the expression, PlatformError if it cannot be
    asked. Source: systemd.time(7), CALENDAR EVENTS.
    """
    if not ground.systemd_analyze:
        if rhythm in FIXED:
            return _next_fixed(rhythm, moment)
        raise PlatformError(
            "systemd-analyze is not installed, so a calendar expression cannot be checked",
            hint="localai selftest schedule --daily",
        )
    base = f"--base-time=@{int(moment.timestamp())}"
    answer = ask(ground, [ground.systemd_analyze, "calendar", base, "--", rhythm])
    if answer.code:
        raise UsageError(f"systemd refuses the schedule: {answer.said}", hint=_hint(ground))
    found = _ELAPSE.search(answer.out)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None


def _next_fixed(rhythm: str, moment: datetime) -> datetime:
    local = moment.astimezone()
    if rhythm == HOURLY:
        following = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        following = datetime.combine(local.date() + timedelta(days=1), time())
    return following.astimezone(UTC)


def _hint(ground: Ground) -> str:
    return f"{ground.systemd_analyze or 'systemd-analyze'} calendar 'Mon..Fri 09:00' shows the form"
