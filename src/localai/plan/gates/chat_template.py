"""Gate chat-template: is the template that frames every prompt the one that was approved?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "chat-template"
_WHY = "the template frames every prompt: it is part of what was approved"


def chat_template(facts: Facts, policy: Policy) -> Finding:
    """Nothing is scanned here: an officer saw the template, and its digest says it is the same."""
    artifact = facts.artifact
    if artifact is None or artifact.held is None:
        return Finding(CHECK, Verdict.NOT_CHECKED, "not read", "no header was read", why=_WHY)
    if artifact.entry is None or artifact.entry.gguf is None:
        evidence = "there is no approved template to compare it with"
        return Finding(CHECK, Verdict.NOT_CHECKED, "no entry", evidence, why=_WHY)
    held, approved = artifact.held.template, artifact.entry.gguf.template
    if held == approved:
        what = ("as approved", f"sha256 {held[:8]}…") if held else ("none", "none was approved")
        return Finding(CHECK, Verdict.PASS, *what)
    return Finding(
        CHECK,
        Verdict.FAIL,
        "not the approved one",
        f"sha256 {held or '(no template)'}; approved: {approved or '(no template)'}",
        why=_WHY,
        remedy=f"look at it: localai inspect {artifact.path} --template; if it is right: "
        + artifact.how_to_approve,
    )
