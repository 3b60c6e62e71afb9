"""Gate resources: is there memory for the model beside what inference needs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.hardware import show_bytes

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "resources"


def resources(facts: Facts, policy: Policy) -> Finding:
    """Refuse with the figures, before anything is copied."""
    found = facts.resources
    if found is None or found.problem:
        return Finding(
            CHECK,
            Verdict.NOT_CHECKED,
            "not measured",
            found.problem if found else facts.unprobed or "memory was not measured",
            remedy=found.remedy if found else "",
        )
    needed, free = show_bytes(found.needed), show_bytes(found.free)
    evidence = f"{needed} needed, {free} free ({found.limited_by})"
    if found.needed <= found.free:
        return Finding(CHECK, Verdict.PASS, "enough memory", evidence)
    return Finding(
        CHECK,
        Verdict.FAIL,
        "not enough memory",
        evidence,
        why="a start that runs out of memory ends in the middle of an answer",
        remedy=found.remedy or "free some memory, take a smaller model, or a smaller --ctx",
    )
