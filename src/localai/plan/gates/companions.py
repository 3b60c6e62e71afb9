"""Gate companions: does the model's approval name what is to be loaded beside it?"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.plan.matching import without_entry

if TYPE_CHECKING:
    from localai.plan.facts import Artifact, Facts
    from localai.policy import Policy

CHECK = "companions"
_WHY = "an adapter makes another model of a model: who approved the one must have named the other"


def companions(facts: Facts, policy: Policy) -> Finding:
    """An identifier counts in its own manifest alone: in another one, anything may bear it."""
    model, beside = facts.artifact, facts.companions
    if beside is None:
        return Finding(CHECK, Verdict.NOT_CHECKED, "not looked at", "nobody said what is loaded")
    if not beside:
        return Finding(CHECK, Verdict.PASS, "none", "nothing is loaded beside the model")
    if model is None or model.entry is None:
        return without_entry(CHECK)
    named = {(model.manifest, name) for name in model.entry.companions}
    unbound = [one for one in beside if one.entry and (one.manifest, one.entry.id) not in named]
    if unbound:
        evidence = "; ".join(f"{model.entry.id} does not name {_name(one)}" for one in unbound)
        ids = " ".join(f"--companion {one.entry.id}" for one in unbound if one.entry)
        command = f"localai manifest propose MODEL {ids}"
        remedy = f"leave it out, or have the model approved with it: {command}"
        return _fail("not approved together", evidence, remedy)
    if unknown := [one for one in beside if one.entry is None]:
        evidence = "; ".join(f"{_name(one)} is in no manifest" for one in unknown)
        return Finding(CHECK, Verdict.NOT_CHECKED, "no entry", evidence, why=_WHY)
    if len({one.entry for one in beside}) < len(beside):
        evidence = "; ".join(_name(one) for one in beside)
        return _fail("one of them twice", evidence, "name each once: twice is twice as strong")
    summary = f"{len(beside)} with the model"
    return Finding(CHECK, Verdict.PASS, summary, "; ".join(_name(one) for one in beside))


def _fail(summary: str, evidence: str, remedy: str) -> Finding:
    return Finding(CHECK, Verdict.FAIL, summary, evidence, why=_WHY, remedy=remedy)


def _name(one: Artifact) -> str:
    listed = f" ({one.entry.id} in {one.manifest})" if one.entry else ""
    scale = f" at {one.scale:g}" if one.scale != 1 else ""
    return f"{one.kind} {PurePath(one.path).name}{listed}{scale}"
