"""One self-test of this host: probe, look at its posture, keep the result, and hand it on."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import localai
from localai.atomicfile import write_whole
from localai.cli import console
from localai.errors import UsageError
from localai.launch import prove_host
from localai.plan.build import ask, why_not_to_probe
from localai.plan.gates import POSTURE_GATES, PROOF_GATES, SELFTEST_NEEDS
from localai.reports import syslog
from localai.reports.report import Report
from localai.selftests.history import keep
from localai.selftests.result import make_result

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings


class Outputs(NamedTuple):
    """Where a report goes beside the log of results. ``log`` is the system log's socket."""

    json: bool
    junit: Path | None
    prometheus: Path | None
    log: Path | None


def check_outputs(outputs: Outputs) -> Outputs:
    """Refuse what could not be written, before anything is tried. Raises UsageError."""
    files = [path for path in (outputs.junit, outputs.prometheus) if path]
    for path in files:
        # os.path says False of what it may not look at; Path raises
        if os.path.isdir(path) or not os.path.isdir(path.parent):  # noqa: PTH112
            raise UsageError(
                f"{path}: expected a file in a directory that exists", hint=f"mkdir {path.parent}"
            )
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
    reported. Raises LocalAIError if something cannot be found out or kept at all.
    """
    report = None
    if outputs.log:
        syslog.send(syslog.start_message(around.host_name, around.now), outputs.log)
    try:
        report = _prove(around)
    finally:
        if outputs.log and not report:
            syslog.send(syslog.broken_message(around.host_name, datetime.now(UTC)), outputs.log)
    return report


def deliver(report: Report, outputs: Outputs) -> None:
    """Print and write the report everywhere. Each output is tried even where another fails; then
    the failure is raised."""
    from localai.reports.junit import junit
    from localai.reports.prometheus import prometheus

    with ExitStack() as rest:  # from the bottom up
        if outputs.junit:
            rest.callback(write_whole, outputs.junit, junit(report), mode=0o644)
        if outputs.prometheus:
            rest.callback(write_whole, outputs.prometheus, prometheus(report), mode=0o644)
        if outputs.log:
            ending = syslog.end_message(report, datetime.now(UTC))
            rest.callback(syslog.send, ending, outputs.log)
        rest.callback(console.print_selftest, report, json=outputs.json)


def _prove(around: Surroundings) -> Report:
    facts = around.gather()
    policy = facts.policy.policy
    unprobed = why_not_to_probe(facts, policy, SELFTEST_NEEDS)
    facts = facts._replace(unprobed=unprobed) if unprobed else prove_host(facts, around.places)
    findings = ask((*SELFTEST_NEEDS, *PROOF_GATES), facts, policy)
    posture = (*ask(POSTURE_GATES, facts, policy), *around.posture(facts))
    result = make_result(
        around.now,
        facts.egress,
        (*findings, *posture),
        version=localai.__version__,
        kernel=os.uname().release,
    )
    kept = keep(around.places.selftests, result)
    return Report(kept, findings, posture, facts.egress, facts.sandbox, around.host_name)
