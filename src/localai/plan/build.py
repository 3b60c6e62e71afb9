"""Ask every gate and make one decision of the answers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from localai.findings import Finding, Verdict, refused
from localai.plan.gates import GATES, PROBING_NEEDS
from localai.plan.gates.each import Gate
from localai.policy import WAIVABLE, Policy, Waiver

if TYPE_CHECKING:
    from localai.plan.facts import Facts


class Decision(NamedTuple):
    """What all gates answered, in their order, and what follows from it."""

    findings: tuple[Finding, ...]

    @property
    def allowed(self) -> bool:
        return not refused(self.findings)

    @property
    def refusing(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.refuses)


def decide(facts: Facts, policy: Policy) -> Decision:
    """Ask all gates."""
    return Decision(ask(GATES, facts, policy))


def ask(gates: tuple[Gate, ...], facts: Facts, policy: Policy) -> tuple[Finding, ...]:
    """Ask these gates, then apply the waivers that the administrator's policy names."""
    findings = (gate(facts, policy) for gate in gates)
    return tuple(_waive(finding, policy.waivers, facts.today) for finding in findings)


def why_not_to_probe(facts: Facts, policy: Policy, needs: tuple[Gate, ...] = PROBING_NEEDS) -> str:
    """Why no probe may be sent yet: label, policy or manifest already refuse. "" if none does.

    The launch puts this into ``Facts.unprobed``.
    """
    for finding in ask(needs, facts, policy):
        if finding.refuses:
            what = {"environment-label": "label", "policy": "policy"}.get(finding.check, "manifest")
            return f"the {what} already refuses"
    return ""


def _waive(finding: Finding, waivers: tuple[Waiver, ...], today: date) -> Finding:
    if not finding.refuses or finding.check not in WAIVABLE:
        return finding
    for waiver in waivers:
        if waiver.check == finding.check and waiver.counts(today):
            return finding._replace(
                verdict=Verdict.WAIVED,
                why=f"waived by {waiver.approver} until {waiver.until}: {waiver.reason}",
            )
    return finding
