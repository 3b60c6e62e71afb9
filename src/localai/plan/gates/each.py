"""Ask a gate of every artifact of a start: of the model, and of all that is loaded beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING

from localai.findings import WORST_FIRST, Finding

if TYPE_CHECKING:
    from localai.plan.facts import Artifact, Facts
    from localai.policy import Policy

Gate = Callable[["Facts", "Policy"], Finding]


def of_each(gate: Gate) -> Gate:
    """The gate, asked of each artifact in the model's place; the answers are one finding."""

    def ask(facts: Facts, policy: Policy) -> Finding:
        answers = [(one, gate(facts._replace(artifact=one), policy)) for one in facts.artifacts]
        return _join(answers) if facts.companions else answers[0][1]

    return ask


def _join(answers: list[tuple[Artifact | None, Finding]]) -> Finding:
    """What refuses speaks for all; where nothing does, all speak. The worst gives the summary."""
    speaking = [one for one in answers if one[1].refuses] or answers
    worst = min((finding for _, finding in speaking), key=lambda f: WORST_FIRST.index(f.verdict))
    return worst._replace(
        evidence="; ".join(_say(artifact, finding, worst) for artifact, finding in speaking),
        why=_each_once(finding.why for _, finding in speaking),
        remedy=_each_once(finding.remedy for _, finding in speaking),
    )


def _say(artifact: Artifact | None, finding: Finding, worst: Finding) -> str:
    """One artifact's evidence. Whose it is need not be said of the model where that gives the
    summary, nor a summary that all share."""
    if artifact is None or (artifact.kind == "model" and finding is worst):
        return finding.evidence
    summary = finding.summary if finding.summary != worst.summary else ""
    said = ", ".join(filter(None, (summary, finding.evidence)))
    return f"{artifact.kind} {PurePath(artifact.path).name}: {said}"


def _each_once(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
