"""``localai doctor``: what this host can enforce, and what to do about the rest."""

from __future__ import annotations

from localai.cli import console
from localai.errors import Exit


def command() -> int:
    """Say what this host can enforce, and what to do about the rest.

    Tries every kernel mechanism, reads label, policy and manifests, and sends nothing. Exit code
    3 means that a start would be refused.
    """
    from localai.abilities import find_abilities
    from localai.cli.surroundings import look_around
    from localai.findings import refused
    from localai.plan.gates import GATES_WITHOUT_ARTIFACT

    facts = look_around().gather()
    answers = tuple(gate(facts, facts.policy.policy) for gate in GATES_WITHOUT_ARTIFACT)
    findings = (*find_abilities(), *answers)
    console.print_findings(findings)
    return Exit.REFUSED if refused(findings) else Exit.DONE
