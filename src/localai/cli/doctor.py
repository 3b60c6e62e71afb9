"""``localai doctor``: what this host can enforce, and what to do about the rest."""

from __future__ import annotations

from localai.cli import console
from localai.errors import Exit


def command() -> int:
    """Say what this host can enforce, and what to do about the rest.

    Tries every kernel mechanism, reads label, policy and manifests, and if those allow it has a
    worker confined and probed as a start would. Exit code 3 means that a start would be refused;
    what else runs on this host, and how it is set, is told and refuses nothing.
    """
    from localai.abilities import find_abilities
    from localai.cli.surroundings import look_around
    from localai.findings import refused
    from localai.launch import prove_host
    from localai.plan.build import why_not_to_probe
    from localai.plan.gates import GATES_WITHOUT_ARTIFACT

    around = look_around()
    facts = around.gather()
    unprobed = why_not_to_probe(facts, facts.policy.policy)
    facts = facts._replace(unprobed=unprobed) if unprobed else prove_host(facts, around.places)
    answers = tuple(gate(facts, facts.policy.policy) for gate in GATES_WITHOUT_ARTIFACT)
    findings = (*find_abilities(), *answers)
    console.print_findings((*findings, *around.posture(facts)))
    return Exit.REFUSED if refused(findings) else Exit.DONE
