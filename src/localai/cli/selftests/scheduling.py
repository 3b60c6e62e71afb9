"""``localai selftest schedule``, ``unschedule`` and ``status``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.errors import Exit, UsageError

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.schedule.ground import Ground
    from localai.schedule.keeping import Change


def schedule(
    daily: Annotated[bool, typer.Option("--daily", help="every midnight")] = False,
    hourly: Annotated[bool, typer.Option("--hourly", help="every full hour")] = False,
    calendar: Annotated[
        str | None, typer.Option(help="a calendar expression of systemd.time(7)")
    ] = None,
    user: Annotated[
        bool, typer.Option("--user", help="by this account's systemd, not the host's")
    ] = False,
    prometheus: Annotated[
        Path | None, typer.Option(metavar="FILE", help="have each run write these metrics")
    ] = None,
    syslog: Annotated[
        bool, typer.Option("--syslog", help="have each run announced to the system log")
    ] = False,
) -> int:
    """Have systemd (or cron, where there is none) run the self-test, and show what was written.

    A timer makes up for runs that were missed while the host was off; cron does not.
    """
    from localai.cli.surroundings import look_around
    from localai.schedule.keeping import keep
    from localai.schedule.rhythm import DAILY, HOURLY, check_rhythm
    from localai.schedule.status import find_interruptions

    given = [DAILY] * daily + [HOURLY] * hourly + [calendar or ""] * (calendar is not None)
    if len(given) != 1:
        raise UsageError(
            "give one of --daily, --hourly and --calendar SPEC",
            hint="localai selftest schedule --daily",
        )
    around = look_around()
    ground = _with_outputs(_ground(around, user=user), prometheus, syslog=syslog)
    check_rhythm(ground, given[0], around.now)
    _show(keep(ground, given[0], os.geteuid()), "scheduled by", "to be scheduled by")
    _warn_of_label(around)
    if notes := find_interruptions(ground, given[0]):
        console.print_findings(notes)
    return Exit.DONE


def unschedule() -> int:
    """Take the schedule away. Results stay: localai selftest history."""
    from localai.cli.surroundings import look_around
    from localai.schedule.keeping import end

    changes = end(_grounds(look_around()))
    for change in changes:
        _show(change, "no longer scheduled by", "to be taken from")
    if not changes:
        console.out("nothing was scheduled")
    return Exit.DONE


def status() -> int:
    """Say when the self-test ran last and runs next, and how many passed in a row.

    Exit code 3: nothing is scheduled, the newest result is older than the schedule allows, or it
    is not a pass.
    """
    from localai.cli.surroundings import look_around
    from localai.findings import refused
    from localai.schedule.keeping import find_kept
    from localai.schedule.status import judge
    from localai.selftests.history import read_history

    around = look_around()
    history = read_history(around.places.selftests)
    findings = judge(find_kept(_grounds(around)), history, around.now)
    console.print_findings(findings)
    return Exit.REFUSED if refused(findings) else Exit.DONE


def _show(change: Change, done: str, left: str) -> None:
    """What was changed, or, in the words of ``left``, what somebody has yet to do."""
    console.out(f"{left if change.left else done} {change.keeper}:")
    for path, text in change.files:
        lines = [f"# {path}"] * (path is not None) + text.splitlines()
        console.out("\n".join(f"  {line}".rstrip() for line in lines))
    for command in change.left:
        console.out(f"to do: {command}")


def _warn_of_label(around: Surroundings) -> None:
    """Where no other source than this process's environment grants a label, say so."""
    from shlex import quote

    from localai.environment import VARIABLE
    from localai.plan.gates.environment_label import judge_labels
    from localai.terminal import printable

    rules, readings = around.read_policy().policy.labels, around.read_labels()
    lasting = tuple(reading for reading in readings if reading.source != VARIABLE)
    if judge_labels(lasting, rules).refuses and not judge_labels(readings, rules).refuses:
        label = printable(quote(around.environ[VARIABLE].strip()))
        console.say(
            f"note: the label is only in {VARIABLE}, which a scheduled run does not have\n"
            f"hint: localai env set {label}"
        )


def _ground(around: Surroundings, *, user: bool) -> Ground:
    from localai.schedule.ground import find_ground

    return find_ground(around.environ, around.places, around.account_name(), user=user)


def _with_outputs(ground: Ground, prometheus: Path | None, *, syslog: bool) -> Ground:
    from localai.cli.selftests.proving import Outputs, check_outputs

    check_outputs(Outputs(False, None, prometheus, None))
    program = [*ground.program, *(["--syslog"] if syslog else [])]
    if prometheus is None:
        return ground._replace(program=tuple(program))
    file = prometheus.absolute()
    return ground._replace(
        program=(*program, "--prometheus", str(file)), writes=(*ground.writes, file.parent)
    )


def _grounds(around: Surroundings) -> list[Ground]:
    """Where a schedule of this account may stand: root's may be the host's, and its own."""
    return [_ground(around, user=user) for user in ((True,) if os.geteuid() else (False, True))]
