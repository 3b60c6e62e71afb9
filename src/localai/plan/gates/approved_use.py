"""Gate approved-use: is this purpose, with this data, by this account, what was approved?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.plan.matching import without_entry

if TYPE_CHECKING:
    from localai.manifest.schema import Entry
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "approved-use"
_ASK = "ask for another approval"


def approved_use(facts: Facts, policy: Policy) -> Finding:
    """Every limit of the entry and of the policy, all at once."""
    artifact = facts.artifact
    if artifact is None or artifact.entry is None:
        return without_entry(CHECK)
    entry = artifact.entry
    if wrong := _find_wrong(entry, artifact.kind, facts, policy):
        evidence, remedies = zip(*wrong, strict=True)
        return Finding(
            CHECK,
            Verdict.FAIL,
            "not approved for this",
            "; ".join(evidence),
            why="approvals are for named purposes, data and groups",
            remedy="; ".join(dict.fromkeys(remedies)),
        )
    parts = [f"{facts.use.data_class} data"]
    parts += [f"group {name}" for name in entry.use.groups if name in facts.account.groups]
    if entry.approval.self_approved:
        parts.append(f"self-approved by {entry.approval.by}")
    parts.append(f"review by {entry.approval.review_by}")
    parts += [f"safeguard: {text}" for text in entry.use.safeguards]
    verdict = Verdict.NOTE if entry.approval.self_approved else Verdict.PASS
    return Finding(CHECK, verdict, facts.use.purpose, ", ".join(parts))


def _find_wrong(entry: Entry, kind: str, facts: Facts, policy: Policy) -> list[tuple[str, str]]:
    """What does not fit, each with its remedy. ``kind`` is what it is to be used as."""
    use, approved, wrong = facts.use, entry.use, []
    if entry.kind != kind:
        wrong.append((f"approved as {entry.kind}, not as {kind}", _ASK))
    if use.purpose not in approved.purposes:
        known = ", ".join(approved.purposes)
        option = f"--purpose {' or '.join(approved.purposes)}"
        remedy = f"{option}, where it is for that, else {_ASK}"
        wrong.append((f"purpose {use.purpose}; approved: {known}", remedy))
    fitting = [name for name in approved.data_classes if name in policy.data_classes]
    data = f"--data-class {' or '.join(fitting)}, where the data are that, else {_ASK}"
    data = data if fitting else _ASK
    if use.data_class not in approved.data_classes:
        known = ", ".join(approved.data_classes)
        wrong.append((f"{use.data_class} data; approved: {known}", data))
    if use.data_class not in policy.data_classes:
        known = ", ".join(policy.data_classes) or "none"
        wrong.append((f"{use.data_class} data; the policy allows: {known}", data))
    if approved.groups and not set(approved.groups) & set(facts.account.groups):
        known = ", ".join(approved.groups)
        wrong.append(
            (f"{facts.account.name} is in none of the groups {known}", "ask for membership")
        )
    return wrong
