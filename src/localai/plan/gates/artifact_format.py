"""Gate artifact-format: did the bounded reader understand every file, does it like what it saw,
and is that what the entry pins?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import WORST_FIRST, Finding, Verdict

if TYPE_CHECKING:
    from localai.plan.facts import Artifact, Facts
    from localai.policy import Policy

CHECK = "artifact-format"


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
    every = (*facts.artifact.format, *_compare(facts.artifact))
    found = sorted(every, key=lambda one: WORST_FIRST.index(one.verdict))
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


def _compare(artifact: Artifact) -> tuple[Finding, ...]:
    """What the files hold against what their entry pins; its template has a gate of its own."""
    if artifact.entry is None or artifact.held is None:
        return ()  # the entry is asked for by artifact-approved, the header above
    held, pinned = artifact.held, artifact.entry.gguf
    if pinned and (held.architecture, held.tensors) == (pinned.architecture, pinned.tensors):
        return ()
    approved = f"{pinned.architecture}, {pinned.tensors} tensors" if pinned else "no model at all"
    return (
        Finding(
            CHECK,
            Verdict.FAIL,
            "not what was approved",
            f"{held.architecture}, {held.tensors} tensors; approved: {approved}",
            why="the bytes are the entry's, so what its writer saw was another file",
            remedy=f"look at it: localai inspect {artifact.path}; if it is right: "
            + artifact.how_to_approve,
        ),
    )
