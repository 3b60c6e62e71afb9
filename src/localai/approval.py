"""From a file that nobody knows to an entry: what the file says, and what a person adds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFile
from localai.gguf.statements import read_statements
from localai.manifest.schema import Approval, ArtifactFile, Entry, Manifest, Use
from localai.plan.gates.artifact_approved import CHECK
from localai.plan.gates.licence import judge_licence
from localai.plan.gates.restricted_technology import judge_origin
from localai.policy import Policy


def approve_alone(name: str, today: date, days: int) -> Approval:
    """An approval by the person who will use the artifact, for ``days`` days."""
    return Approval(name, today, today + timedelta(days=days), self_approved=True)


def fit_into(manifest: Manifest, entry: Entry) -> Entry:
    """``entry`` under an identifier that replaces no other artifact.

    The same bytes keep the identifier that they have: approving them again replaces their entry,
    and so does a split set that has a part of it, since no file stands in two entries. Other
    bytes under a taken identifier get one with the start of their digest.
    """
    digests = {file.sha256 for file in entry.files}
    for other in manifest.entries:
        if digests & {file.sha256 for file in other.files}:
            return entry._replace(id=other.id)
    if any(other.id == entry.id for other in manifest.entries):
        return entry._replace(id=f"{entry.id[:90]}-{entry.files[0].sha256[:8]}")
    return entry


def displaced_by(manifest: Manifest, entry: Entry) -> Entry | None:
    """The entry with this identifier if it has files that ``entry`` lacks, else None."""
    digests = {file.sha256 for file in entry.files}
    found = (other for other in manifest.entries if other.id == entry.id)
    return next((o for o in found if not {file.sha256 for file in o.files} <= digests), None)


def check_use(use: Use, allowed: tuple[str, ...]) -> str:
    """The first data class that the policy does not allow, "" if all are."""
    return next((name for name in use.data_classes if name not in allowed), "")


def find_other(files: Sequence[ArtifactFile], told: Sequence[str]) -> Finding | None:
    """What is wrong if somebody else showed these SHA-256 digests for the files: of a set they
    must be those of all its files, in any order. None if nothing was shown, or all agree."""
    found = [file.sha256 for file in files]
    if not told or sorted(told) == sorted(found):
        return None
    strange = [one for one in files if one.sha256 not in told]
    evidence = ", ".join(f"{one.name}: sha256 {one.sha256}" for one in strange)
    return Finding(
        CHECK,
        Verdict.FAIL,
        "wrong digest",
        evidence or f"{len(told)} digests for {len(found)} files",
        "what is approved is what its publisher put there, and not what arrived in its place",
        "bring it again; if it stays so, ask who publishes it",
    )


def find_denied(
    entry: Entry, headers: Sequence[GgufFile], policy: Policy, today: date
) -> list[Finding]:
    """What the policy denies of an artifact, or cannot judge, whatever is signed: every start would
    refuse it. That a host has no list of restricted technology is no matter of the artifact's."""
    said = read_statements(headers)
    waived = {waiver.check for waiver in policy.waivers if waiver.counts(today)}
    asked = (
        judge_licence(entry, said, policy),
        judge_origin(entry, said, policy, today, administered=False),
    )
    return [one for one in asked if one.refuses and one.check not in waived]
