"""One self-test of this host: probe, look at its posture, keep the result, and hand it on."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import localai
from localai.atomicfile import check_place, write_whole
from localai.cli import console
from localai.errors import LocalAIError, StateError, UsageError
from localai.findings import Finding, Verdict
from localai.launch import prove_host
from localai.plan.build import ask, why_not_to_probe
from localai.plan.gates import POSTURE_GATES, PROOF_GATES, SELFTEST_NEEDS
from localai.reports import syslog
from localai.reports.report import Report
from localai.selftests.history import keep
from localai.selftests.result import make_result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localai.cli.surroundings import Surroundings
    from localai.egress.selftest import EgressReport
    from localai.selftests.result import Result


class Outputs(NamedTuple):
    """Where a report goes beside the log of results. ``log`` is the system log's socket."""

    json: bool
    junit: Path | None
    prometheus: Path | None
    log: Path | None


def check_outputs(outputs: Outputs) -> Outputs:
    """Refuse what could not be written, before anything is tried. Raises UsageError or
    StateError."""
    files = [path for path in (outputs.junit, outputs.prometheus) if path]
    for path in files:
        # os.path says False of what it may not look at; Path raises
        if os.path.isdir(path) or not os.path.isdir(path.parent):  # noqa: PTH112
            raise UsageError(
                f"{path}: expected a file in a directory that exists", hint=f"mkdir {path.parent}"
            )
        check_place(path)
    if len({path.absolute() for path in files}) < len(files):
        raise UsageError("one file cannot hold both reports", hint="give them two names")
    if outputs.prometheus and outputs.prometheus.suffix != ".prom":
        raise UsageError(
            f"{outputs.prometheus}: the textfile collector reads only files that end in .prom",
            hint=f"--prometheus {outputs.prometheus.with_suffix('.prom')}",
        )
    return outputs


def prove(around: Surroundings, outputs: Outputs) -> Report:
    """Try every way out of a worker and of the launcher, and say what else was found.

    Where label or policy refuse, no probe is sent. The result is on the disk before it is
    reported. Raises LocalAIError if something cannot be found out or kept at all. Whatever ends
    it, a signal or a bug, is kept and reported as not checked: an older pass must not go on
    speaking for this host.
    """
    if outputs.log:
        syslog.send(syslog.start_message(around.host_name, around.now), outputs.log)
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _prove(around)
    except BaseException as error:
        with suppress(LocalAIError), _files(_break_off(around, error), outputs):
            pass
        if outputs.log:
            syslog.send(syslog.broken_message(around.host_name, datetime.now(UTC)), outputs.log)
        raise


def _stop(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # as a shell says it


def _break_off(around: Surroundings, error: BaseException) -> Report:
    """A self-test that did not come to its end, kept if that can be."""
    known = error if isinstance(error, LocalAIError) else None
    stopped = isinstance(error, KeyboardInterrupt | SystemExit)
    why = known.message if known else "it was stopped" if stopped else type(error).__name__
    finding = Finding(
        "self-test",
        Verdict.NOT_CHECKED,
        "broken off",
        why,
        remedy=known.hint if known else "localai selftest",
    )
    result = _sum_up(around, None, (finding,))
    with suppress(StateError):
        result = keep(around.places.selftests, result)
    return Report(result, (finding,), (), None, None, around.host_name)


def deliver(report: Report, outputs: Outputs) -> None:
    """Print and write the report everywhere. Each output is tried even where another fails; then
    the failure is raised."""
    with _files(report, outputs) as rest:  # from the bottom up
        if outputs.log:
            ending = syslog.end_message(report, datetime.now(UTC))
            rest.callback(syslog.send, ending, outputs.log)
        rest.callback(console.print_selftest, report, json=outputs.json)


def _files(report: Report, outputs: Outputs) -> ExitStack:
    """Writes the files on the way out, each even where another fails."""
    from localai.reports.junit import junit
    from localai.reports.prometheus import prometheus

    files = ExitStack()
    if outputs.junit:
        files.callback(write_whole, outputs.junit, junit(report), mode=0o644)
    if outputs.prometheus:
        files.callback(write_whole, outputs.prometheus, prometheus(report), mode=0o644)
    return files


def _prove(around: Surroundings) -> Report:
    facts = around.gather()
    policy = facts.policy.policy
    unprobed = why_not_to_probe(facts, policy, SELFTEST_NEEDS)
    facts = facts._replace(unprobed=unprobed) if unprobed else prove_host(facts, around.places)
    findings = ask((*SELFTEST_NEEDS, *PROOF_GATES), facts, policy)
    posture = (*ask(POSTURE_GATES, facts, policy), *around.posture(facts))
    result = _sum_up(around, facts.egress, (*findings, *posture))
    kept = keep(around.places.selftests, result)
    return Report(kept, findings, posture, facts.egress, facts.sandbox, around.host_name)


def _sum_up(
    around: Surroundings, egress: EgressReport | None, findings: Iterable[Finding]
) -> Result:
    return make_result(
        around.now,
        egress,
        findings,
        version=localai.__version__,
        kernel=os.uname().release,
    )
