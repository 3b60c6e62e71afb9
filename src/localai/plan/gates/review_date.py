"""Gate review-date: is today between the day of approval and the day of the next look?"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.plan.matching import without_entry

if TYPE_CHECKING:
    from localai.manifest.schema import Approval
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "review-date"
SOON = 30
"""Days before the review that a start speaks of it."""

_WHY = "an approval holds until it is to be looked at again"


def review_date(facts: Facts, policy: Policy) -> Finding:
    """Both days count themselves."""
    artifact = facts.artifact
    if artifact is None or artifact.entry is None:
        return without_entry(CHECK)
    return judge_review(artifact.entry.approval, facts.today)


def judge_review(approval: Approval, today: date) -> Finding:
    """What the gate answers for an approval on a day."""
    left = (approval.review_by - today).days
    if approval.on > today:
        evidence = f"approved from {approval.on}, a day to come"
        return _fail("not yet approved", evidence, "check the clock")
    if left < 0:
        evidence = f"review was due by {approval.review_by}"
        return _fail("overdue", evidence, "localai approve FILE, after looking at it again")
    evidence = f"by {approval.review_by}, {left} {'day' if left == 1 else 'days'} left"
    return Finding(CHECK, Verdict.NOTE if left < SOON else Verdict.PASS, "review", evidence)


def _fail(summary: str, evidence: str, remedy: str) -> Finding:
    return Finding(CHECK, Verdict.FAIL, summary, evidence, why=_WHY, remedy=remedy)
