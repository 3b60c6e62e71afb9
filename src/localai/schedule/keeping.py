"""Have systemd or cron keep the schedule, find the one that is kept, and end it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from localai.errors import PlatformError, StateError
from localai.locking import locked
from localai.schedule import cron, systemd
from localai.schedule.ground import Ground
from localai.schedule.status import Kept


class Change(NamedTuple):
    """What was written or taken away: files with their text (a crontab's line has no file), and
    the commands that are left for somebody to type."""

    keeper: str
    files: tuple[tuple[Path | None, str], ...]
    left: tuple[str, ...] = ()


def keep(ground: Ground, rhythm: str, uid: int) -> Change:
    """Schedule the self-test: by systemd where it runs, else by cron, else in units for when
    systemd runs. ``rhythm`` was checked.

    Raises PlatformError where there is neither, StateError if it cannot be done.
    """
    with locked(ground.places.state, "schedule"):
        if not ground.booted and ground.crontab:
            line = cron.install(ground, rhythm)
            return Change(_cron(ground), ((None, line.text),), tuple(filter(None, [line.left])))
        if not ground.systemctl:
            raise PlatformError(
                "there is neither systemd nor cron here to start a self-test",
                hint="install cron, or have another scheduler run: localai selftest",
            )
        if uid and not ground.user:
            raise StateError(
                f"{ground.units} is the administrator's",
                hint="give --user, or ask the administrator to schedule it",
            )
        return Change(_systemd(ground), *systemd.install(ground, rhythm))


def find_kept(grounds: Sequence[Ground]) -> Kept | None:
    """The schedule of this account: the host's timer first, then its own, then its crontab's.

    Raises StateError if units cannot be read; a crontab that cannot be is the answer's problem.
    """
    for ground in grounds:
        if timer := systemd.find_timer(ground):
            keeper = f"{_systemd(ground)}, {timer.path}"
            return Kept(ground, timer.rhythm, keeper, timer.problem, timer.remedy)
    try:
        line = cron.find_line(grounds[0])
    except StateError as error:  # an account that may have no crontab
        return Kept(grounds[0], "", _cron(grounds[0]), error.message, error.hint)
    if line:
        problem = "the line is not in it" if line.left else ""
        return Kept(grounds[0], line.rhythm, _cron(grounds[0]), problem, line.left)
    return None


def end(grounds: Sequence[Ground]) -> tuple[Change, ...]:
    """Take every schedule of this account away. Raises StateError."""
    changes = []
    with locked(grounds[0].places.state, "schedule"):
        for ground in grounds:
            if gone := systemd.remove(ground):
                changes.append(Change(_systemd(ground), *gone))
        if line := cron.remove(grounds[0]):
            left = tuple(filter(None, [line.left]))
            changes.append(Change(_cron(grounds[0]), ((None, line.text),), left))
    return tuple(changes)


def _systemd(ground: Ground) -> str:
    return f"{ground.account}'s systemd" if ground.user else "the host's systemd"


def _cron(ground: Ground) -> str:
    return f"{ground.account}'s crontab"
