"""Say of each file that was found what it is to the manifests: approved, or what else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.audit.shelves import Shelves
from localai.audit.stores import Named
from localai.audit.survey import LISTED, Candidate
from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.recognise import GGUF
from localai.hashing import Digests
from localai.intact import CHECK, Checked, judge_digests
from localai.manifest.filename import name_of
from localai.manifest.revocation import Kind, Revocations, Revoked
from localai.plan.matching import Match, judge_revoked

_WHY = "only what a signed manifest lists may run"


class State(StrEnum):
    """What a file is. ``EXPIRED``: the manifest ran out, or the review is overdue."""

    APPROVED = "approved"
    UNAPPROVED = "unapproved"
    ALTERED = "altered"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_CHECKED = "not-checked"


# By what ``localai verify`` answers; every other answer means that nobody approved the file.
_STATES = {
    "intact": State.APPROVED,
    "changed": State.ALTERED,
    "revoked": State.REVOKED,
    "review overdue": State.EXPIRED,
}


class AuditedFile(NamedTuple):
    """One file. ``size`` in bytes; ``sha256`` is None if it could not be read; ``match`` is the
    entry that lists it; ``same_as`` another file, met before it, with the same content."""

    path: Path
    kind: str
    size: int
    state: State
    finding: Finding
    sha256: str | None
    match: Match | None
    named: Named
    same_as: Path | None = None


class Ground(NamedTuple):
    """What files are held against."""

    manifests: Shelves
    revocations: Revocations
    today: date
    self_approval: bool


def judge_file(
    candidate: Candidate, found: Digests | DocumentError, named: Named, ground: Ground
) -> AuditedFile:
    """One file by its digests, or by why there are none."""
    path = candidate.path
    if isinstance(found, DocumentError):
        finding = Finding(CHECK, Verdict.NOT_CHECKED, "not read", found.message, _WHY, found.hint)
        return AuditedFile(
            path, candidate.kind, candidate.key.size, State.NOT_CHECKED, finding, None, None, named
        )
    manifests = ground.manifests.take(found.size, name_of(path))
    checked = judge_digests(
        path, found, manifests, ground.today, self_approval=ground.self_approval
    )
    finding = _refine(checked, found, named, ground)
    state = _STATES.get(finding.summary, State.UNAPPROVED)
    if checked.match and state is State.UNAPPROVED and _ran_out(checked.match, ground.today):
        state = State.EXPIRED
    if state is State.UNAPPROVED and candidate.kind not in (GGUF.name, LISTED):
        remedy = f"remove it: only GGUF can be approved (localai inspect {quote(str(path))})"
        finding = finding._replace(remedy=remedy)
    return AuditedFile(
        path, candidate.kind, found.size, state, finding, found.sha256, checked.match, named
    )


def mark_same(
    files: Sequence[AuditedFile], keys: Mapping[Path, tuple[int, int]]
) -> tuple[AuditedFile, ...]:
    """``files`` with those marked whose content another one has; several names of one inode
    (``keys``: device and inode by path) are one file."""
    first: dict[str, Path] = {}
    marked = []
    for file in files:
        before = first.setdefault(file.sha256, file.path) if file.sha256 else file.path
        same = before if keys[before] != keys[file.path] else None
        marked.append(file._replace(same_as=same))
    return tuple(marked)


def _refine(checked: Checked, found: Digests, named: Named, ground: Ground) -> Finding:
    """What ``localai verify`` has no reason to look at: a digest that is revoked without an entry,
    and a store's own word on what the file is."""
    finding = checked.finding
    if finding.summary != "revoked" and (line := _find_revoked(found, ground.revocations)):
        return judge_revoked(line)
    if named.sha256 and named.sha256 != found.sha256 and checked.match is None:
        evidence = f"sha256 {found.sha256}, and {named.tool} has it as {named.sha256}"
        remedy = f"remove it, and have {named.tool} get it again"
        return finding._replace(summary="changed", evidence=evidence, remedy=remedy)
    return finding


def _find_revoked(found: Digests, revocations: Revocations) -> Revoked | None:
    lines = (
        line
        for line in revocations.revoked
        if line.kind is Kind.SHA256 and line.value == found.sha256
    )
    return next(lines, None)


def _ran_out(match: Match, today: date) -> bool:
    manifest = match.manifest.verification.manifest
    return manifest is not None and today > manifest.expires
