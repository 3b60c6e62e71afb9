"""Gate sandbox-egress: did anything get out of the worker or the launcher?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.egress.probes.probe import LAUNCHER
from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from localai.egress.selftest import EgressReport, FilterReport
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "sandbox-egress"
FEWEST = 40
WHY = "nothing may leave, and that must be shown at every start"
REMEDY = "localai check MODEL --json shows every probe"


def sandbox_egress(facts: Facts, policy: Policy) -> Finding:
    """Arrived refuses; so does anything that was not shown to work without the layers."""
    report = facts.egress
    if report is None:
        unsealed = "no worker was sealed" if facts.unsealed else "no self-test was made"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not probed", facts.unprobed or unsealed)
    summary = f"{len(report.arrived)} of {report.probes} got out"
    out = [*report.arrived, *_under_filters(report, lambda found: found.arrived)]
    if out:
        return Finding(CHECK, Verdict.FAIL, summary, ", ".join(out), why=WHY, remedy=REMEDY)
    if problems := _unproved(report):
        return Finding(
            CHECK, Verdict.NOT_CHECKED, "not proved", "; ".join(problems), why=WHY, remedy=REMEDY
        )
    return Finding(CHECK, Verdict.PASS, summary, describe(report))


def describe(report: EgressReport) -> str:
    """The figures of a self-test in which nothing got out."""
    parts = [
        f"{report.controls_arrived} of {report.probes} controls arrived",
        f"launcher {len(report.launcher.arrived)} of {report.launcher.probes}",
    ]
    if report.closed:
        parts.append(f"{len(report.closed)} closed here")
    if report.unsafe_here:
        parts.append(f"{len(report.unsafe_here)} unsafe here")
    return ", ".join([*parts, f"{report.seconds:.2g} s"])


def _unproved(report: EgressReport) -> list[str]:
    problems = [f"{name}: not checked" for name in report.not_checked]
    under = _under_filters(report, lambda found: found.not_checked)
    problems += [f"{name}: not checked" for name in under]
    if report.controls_arrived != report.probes:
        problems.append(f"{report.controls_arrived} of {report.probes} controls arrived")
    if len(report.results) < FEWEST or not report.probes:
        problems.append(f"only {len(report.results)} probes, {FEWEST} are the least")
    for name in dict.fromkeys((LAUNCHER, *report.asked)):
        if name not in report.filters or not report.filters[name].probes:
            problems.append(f"no probe under the {name} filter")
    return problems


def _under_filters(
    report: EgressReport, select: Callable[[FilterReport], tuple[str, ...]]
) -> list[str]:
    """The probes that ``select`` names, under each filter on its own."""
    filters = report.filters.items()
    return [f"{probe} ({name} filter)" for name, found in filters for probe in select(found)]
