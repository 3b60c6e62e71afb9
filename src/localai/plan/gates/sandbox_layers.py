"""Gate sandbox: is every required layer in force around the worker?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.sandbox.spec import LAYERS

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "sandbox"
SHOWN = ("seccomp", "landlock", "namespaces", "capabilities")
WHY = "a model runs only behind every required layer"


def sandbox_layers(facts: Facts, policy: Policy) -> Finding:
    """Judge what was found in force, not what was asked for."""
    if facts.unsealed:
        return Finding(
            CHECK, Verdict.FAIL, "not sealed", facts.unsealed, why=WHY, remedy="localai doctor"
        )
    status = facts.sandbox
    found = {layer.name for layer in status.layers} if status else set()
    if status is None or not found.issuperset(LAYERS):
        unseen = ", ".join(name for name in LAYERS if name not in found)
        evidence = facts.unprobed or f"nothing was found out about: {unseen}"
        return Finding(
            CHECK,
            Verdict.NOT_CHECKED,
            "not probed" if facts.unprobed else "no status",
            evidence,
            remedy="" if facts.unprobed else "localai doctor",
        )
    if missing := status.missing_required:
        return Finding(
            CHECK,
            Verdict.FAIL,
            "not sealed",
            "; ".join(f"{layer.name}: {layer.detail}" for layer in missing),
            why=WHY,
            remedy="localai doctor",
        )
    # What has a figure is shown; every layer with all that was measured is in the JSON.
    in_force = [
        layer.detail.partition(" (")[0]
        for layer in status.layers
        if layer.in_force and layer.name in SHOWN
    ]
    absent = [f"without {layer.name}" for layer in status.layers if not layer.in_force]
    evidence = ", ".join([*in_force, f"uid {status.uid}", *absent])
    return Finding(CHECK, Verdict.NOTE if absent else Verdict.PASS, "sealed", evidence)
