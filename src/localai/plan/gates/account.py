"""Gate account: may this account start something, and is a person there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.policy import Accounts, Unattended

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "account"


def account(facts: Facts, policy: Policy) -> Finding:
    """A terminal shows that somebody could be there, not that somebody is: a script can make one.
    The rule stops what became a service without anybody's decision, not who means to get by."""
    who, wrong = facts.account, []
    if policy.accounts is Accounts.DIRECTORY and who.origin != "directory":
        wrong.append((f"{who.origin} account", "sign in with an account of the directory"))
    if policy.unattended is Unattended.REFUSE and not who.terminal:
        wrong.append(("no terminal", "start it from a terminal: unattended use is for review"))
    if wrong:
        evidence, remedies = zip(*wrong, strict=True)
        return Finding(
            CHECK,
            Verdict.FAIL,
            who.name,
            ", ".join(evidence),
            why="the policy says who may start something, and that a person is there",
            remedy="; ".join(remedies),
        )
    if not who.terminal:
        return Finding(CHECK, Verdict.NOTE, who.name, f"unattended, {who.origin} account")
    return Finding(CHECK, Verdict.PASS, who.name, f"{who.origin} account, at a terminal")
