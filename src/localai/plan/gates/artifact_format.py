"""Gate artifact-format: did the bounded reader understand every file, and like what it saw?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "artifact-format"
_WORST_FIRST = (Verdict.FAIL, Verdict.NOT_CHECKED, Verdict.WAIVED, Verdict.NOTE, Verdict.PASS)


def artifact_format(facts: Facts, policy: Policy) -> Finding:
    """The worst of what the reader found speaks for all of it."""
    if facts.artifact is None or not facts.artifact.format:
        return Finding(
            CHECK,
            Verdict.NOT_CHECKED,
            "not read",
            "no header was read",
            why="nothing native may see a file before the bounded reader has",
        )
    found = sorted(facts.artifact.format, key=lambda one: _WORST_FIRST.index(one.verdict))
    worst = found[0]
    same = [one for one in found if one.verdict is worst.verdict]
    return Finding(
        CHECK,
        worst.verdict,
        worst.summary,
        "; ".join(one.evidence for one in same if one.evidence),
        why="; ".join(dict.fromkeys(one.why for one in same if one.why)),
        remedy="; ".join(dict.fromkeys(one.remedy for one in same if one.remedy)),
    )
