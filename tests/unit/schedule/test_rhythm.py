"""When a self-test is due next; systemd itself reads its calendar expressions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from schedulers import NOW

from localai.errors import PlatformError, UsageError
from localai.schedule.ground import Ground
from localai.schedule.rhythm import check_rhythm, next_after


@pytest.fixture
def zone() -> Iterator[None]:
    """Berlin, where a day of spring has 23 hours."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc,arg-type]


MOMENTS = [
    utc(2026, 3, 4, 12, 30),
    utc(2026, 3, 28, 23, 30),  # the night in which the clock goes forward
    utc(2026, 3, 29, 0, 30),
    utc(2026, 10, 24, 22, 30),  # and back
    utc(2026, 10, 25, 1, 30),
    utc(2026, 12, 31, 22, 59),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
@pytest.mark.parametrize("rhythm", ["daily", "hourly"])
def test_days_and_hours_are_those_of_systemd(
    ground: Ground, checker: str, zone: None, rhythm: str, moment: datetime
) -> None:
    """Where it cannot be asked. It leaves out the hour that comes twice, which cron does not."""
    asked = ground._replace(environ={**ground.environ, "TZ": "Europe/Berlin"})
    alone = asked._replace(systemd_analyze="")
    assert next_after(alone, rhythm, moment) == next_after(asked, rhythm, moment)


def test_a_calendar_expression(ground: Ground, checker: str) -> None:
    assert next_after(ground, "Mon..Fri 09:00", NOW) == utc(2026, 3, 5, 9)
    assert next_after(ground, "Sat 09:00", NOW) == utc(2026, 3, 7, 9)
    assert next_after(ground, "2026-01-01", NOW) is None


@pytest.mark.parametrize("zone_name", ["America/Chicago", "Asia/Kolkata"])
def test_a_calendar_expression_elsewhere(ground: Ground, checker: str, zone_name: str) -> None:
    elsewhere = ground._replace(environ={**ground.environ, "TZ": zone_name})
    hours = {"America/Chicago": (15, 0), "Asia/Kolkata": (3, 30)}[zone_name]
    assert next_after(elsewhere, "09:00", utc(2026, 3, 4)) == utc(2026, 3, 4, *hours)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "whenever",
        "%h",
        "-x",
        "--help",
        "25:00",
        "daily\nOnBootSec=1",
        "daily\x1b[2J",
        "a" * 9999,
    ],
)
def test_what_systemd_refuses_is_refused(ground: Ground, checker: str, spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_rhythm(ground, spec, NOW)
    assert "calendar" in caught.value.hint


@pytest.mark.parametrize("spec", ["2020-01-01", "*-02-30"])
def test_what_never_comes_is_refused(ground: Ground, checker: str, spec: str) -> None:
    with pytest.raises(UsageError, match="never comes"):
        check_rhythm(ground, spec, NOW)


def test_nobody_to_check_an_expression(ground: Ground) -> None:
    bare = ground._replace(systemd_analyze="")
    check_rhythm(bare, "daily", NOW)
    with pytest.raises(PlatformError, match="systemd-analyze is not installed"):
        check_rhythm(bare, "Mon 09:00", NOW)
