"""Gate artifact-approved: are these bytes an entry's, and may that entry stand here?"""

from __future__ import annotations

from pathlib import PurePath
from shlex import quote
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict, refused
from localai.hardware import show_bytes
from localai.manifest.filename import name_of
from localai.plan.matching import (
    find_namesake,
    find_outside,
    find_revoked,
    find_revoked_file,
    judge_outside,
    judge_revoked,
    name_origin,
)
from localai.store.state import Place, State

if TYPE_CHECKING:
    from localai.plan.facts import Artifact, Facts
    from localai.policy import Policy

CHECK = "artifact-approved"
WHY = "only what a signed manifest lists may run"
_WAITS: dict[str, str] = {State.QUARANTINE: "in quarantine", State.PROPOSED: "only proposed"}


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
    if not artifact.digests:
        evidence = facts.unprobed or "no digest was computed"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not measured", evidence)
    if artifact.place is None or artifact.place.waits:
        return _judge_waiting(artifact.place)
    entry = artifact.entry
    if entry is None:
        return _judge_unlisted(artifact, facts)
    if revoked := find_revoked(facts.manifests, entry):
        return judge_revoked(revoked)
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
    name = name_of(PurePath(artifact.path))
    if name in [file.name for file in entry.files]:
        return Finding(CHECK, Verdict.PASS, "verified", _describe(artifact))
    return Finding(
        CHECK,
        Verdict.NOTE,
        "verified",
        f"{_describe(artifact)}, renamed: approved as {entry.files[0].name}",
    )


def _judge_waiting(place: Place | None) -> Finding:
    """What the store has not let through does not run from there, whatever a manifest lists."""
    if place is None:
        evidence = "nobody looked whether it lies in quarantine"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not looked for", evidence)
    known = place.artifact and place.directory in _WAITS
    return Finding(
        CHECK,
        Verdict.FAIL,
        _WAITS.get(place.directory, "not in its place"),
        f"{place.artifact or 'a file'} in the store",
        why="from the store only what is approved there runs",
        remedy=f"localai store promote {quote(place.artifact)}" if known else "localai store list",
    )


def _judge_unlisted(artifact: Artifact, facts: Facts) -> Finding:
    """Damaged, or never approved: a name tells which of the two is likelier. Where no manifest's
    signatures hold, there was nothing to look in."""
    if facts.manifests and not any(one.verification.manifest for one in facts.manifests):
        evidence = "no manifest counts that it could be in"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not looked up", evidence)
    if revoked := find_revoked_file(facts.manifests, artifact.digests):
        return judge_revoked(revoked)
    digests = [digest.rpartition(":")[2] for digest in artifact.digests]
    if outside := find_outside(facts.manifests, digests):
        return judge_outside(outside)
    summary, evidence = "not in the manifest", _show_digests(artifact.digests)
    # What is no sound model cannot be approved either: what to do then is artifact-format's answer.
    remedies = [] if refused(artifact.format) else [artifact.how_to_approve]
    if named := find_namesake(facts.manifests, name_of(PurePath(artifact.path))):
        summary, evidence = "changed", f"{evidence}, not what {named.entry.id} lists"
        remedies.insert(0, f"get it again from {name_origin(named.entry)}")
    remedy = "; if it is meant to be another model: ".join(remedies)
    return Finding(CHECK, Verdict.FAIL, summary, evidence, why=WHY, remedy=remedy)


def show_digest(digest: str) -> str:
    """``tree-sha256:5c1e...`` in the few characters that fit a row: ``tree 5c1e…``."""
    kind, _, value = digest.partition(":")
    return f"{kind.removesuffix('-sha256')} {value[:8]}…"


def _show_digests(digests: tuple[str, ...]) -> str:
    more = f" and {len(digests) - 1} more" if len(digests) > 1 else ""
    return show_digest(digests[0]) + more


def _describe(artifact: Artifact) -> str:
    parts = [_show_digests(artifact.digests)]
    if artifact.sealed:
        parts.append("sealed in memory")
    if artifact.read_only:
        parts.append("read-only store")
    return ", ".join([*parts, f"{show_bytes(artifact.size)} in {artifact.seconds:.2f} s"])
