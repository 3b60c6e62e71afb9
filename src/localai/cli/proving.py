"""One self-test of this host: probe, look at its posture, and have the result on the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import localai
from localai.findings import Finding
from localai.launch import prove_host
from localai.plan.build import why_not_to_probe
from localai.plan.gates import HOST_GATES, SELFTEST_NEEDS
from localai.reports.report import Report
from localai.selftests.history import keep
from localai.selftests.result import make_result

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.plan.facts import Facts


def prove(around: Surroundings) -> Report:
    """Try every way out of a worker and of the launcher, and say what else was found.

    Where label or policy refuse, no probe is sent. Raises LocalAIError if something cannot be
    found out or kept at all.
    """
    facts = around.gather()
    unprobed = why_not_to_probe(facts, facts.policy.policy, SELFTEST_NEEDS)
    facts = facts._replace(unprobed=unprobed) if unprobed else prove_host(facts, around.places)
    findings = _ask(facts)
    result = make_result(
        around.now,
        facts.egress,
        findings,
        version=localai.__version__,
        kernel=os.uname().release,
    )
    kept = keep(around.places.selftests, result)
    return Report(kept, findings, facts.egress, facts.sandbox, around.host_name)


def _ask(facts: Facts) -> tuple[Finding, ...]:
    gates = (*HOST_GATES, *(SELFTEST_NEEDS if facts.unprobed else ()))
    return tuple(gate(facts, facts.policy.policy) for gate in gates)
