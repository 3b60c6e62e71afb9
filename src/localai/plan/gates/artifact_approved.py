"""Gate artifact-approved: are these bytes an entry's, and may that entry stand here?"""

from __future__ import annotations

from pathlib import PurePath
from shlex import quote
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.plan.gates.resources import show_bytes

if TYPE_CHECKING:
    from localai.plan.facts import Artifact, Facts
    from localai.policy import Policy

CHECK = "artifact-approved"
WHY = "only what a signed manifest lists may run"


def artifact_approved(facts: Facts, policy: Policy) -> Finding:
    """The digest decides; the name is only worth a note."""
    artifact = facts.artifact
    if artifact is None:
        evidence = facts.unprobed or "no file was measured"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not measured", evidence)
    if artifact.problem:
        return Finding(
            CHECK, Verdict.FAIL, "unreadable", artifact.problem, why=WHY, remedy=artifact.remedy
        )
    if not artifact.digest:
        evidence = facts.unprobed or "no digest was computed"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not measured", evidence)
    entry = artifact.entry
    if entry is None:
        return Finding(
            CHECK,
            Verdict.FAIL,
            "not in the manifest",
            show_digest(artifact.digest),
            why=WHY,
            remedy=f"localai approve {quote(artifact.path)}",
        )
    if entry.approval.self_approved and not policy.self_approval:
        officer = policy.officer or "the officer"
        return Finding(
            CHECK,
            Verdict.FAIL,
            "self-approved",
            f"by {entry.approval.by}; the policy does not let one person be user and officer",
            why=WHY,
            remedy=f"ask {officer} to approve it",
        )
    name = PurePath(artifact.path).name
    if name in [file.name for file in entry.files]:
        return Finding(CHECK, Verdict.PASS, "verified", _describe(artifact))
    return Finding(
        CHECK,
        Verdict.NOTE,
        "verified",
        f"{_describe(artifact)}, renamed: approved as {entry.files[0].name}",
    )


def show_digest(digest: str) -> str:
    """``tree-sha256:5c1e...`` in the few characters that fit a row: ``tree 5c1e…``."""
    kind, _, value = digest.partition(":")
    return f"{kind.removesuffix('-sha256')} {value[:8]}…"


def _describe(artifact: Artifact) -> str:
    parts = [show_digest(artifact.digest)]
    if artifact.sealed:
        parts.append("sealed in memory")
    return ", ".join([*parts, f"{show_bytes(artifact.size)} in {artifact.seconds:.2f} s"])
