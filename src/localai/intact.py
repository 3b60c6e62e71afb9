"""Say of a file whether it is approved, and whether it is what was approved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.errors import LocalAIError
from localai.findings import Finding, Verdict
from localai.hashing import Digests, Progress, digest_file, report_nothing
from localai.manifest.filename import name_of
from localai.manifest.verify import LoadedManifest
from localai.plan.matching import (
    Match,
    candidates,
    find_match,
    find_namesake,
    find_outside,
    find_revoked_file,
    in_force,
    judge_outside,
    judge_revoked,
    name_origin,
)
from localai.sealing import open_regular

CHECK = "artifact-approved"
_WHY = "only what a signed manifest lists may run"


class Checked(NamedTuple):
    """One file: what was measured, the entry that lists it, and the finding."""

    path: Path
    finding: Finding
    digests: Digests | None = None
    match: Match | None = None


def check_file(
    path: Path,
    manifests: Sequence[LoadedManifest],
    today: date,
    *,
    self_approval: bool,
    progress: Progress = report_nothing,
) -> Checked:
    """Compute both digests of a file and look for the entry that has them.

    ``self_approval`` False: what somebody approved for themselves counts for nothing. A file that
    cannot be read is a finding, too: it is not approved.
    """
    try:
        opened = open_regular(path)
        try:
            digests = digest_file(opened.fd, opened.size, progress=progress)
        finally:
            os.close(opened.fd)
    except LocalAIError as error:
        return Checked(path, _fail("unreadable", error.message, error.hint))
    return judge_digests(path, digests, manifests, today, self_approval=self_approval)


def judge_digests(
    path: Path,
    digests: Digests,
    manifests: Sequence[LoadedManifest],
    today: date,
    *,
    self_approval: bool,
) -> Checked:
    """What :func:`check_file` says of a file whose digests are known."""
    match = find_match(
        candidates(manifests, digests.size), sha256=digests.sha256, tree=digests.tree
    )
    if match is None:
        return Checked(path, _judge_unlisted(path, digests, manifests), digests)
    return Checked(path, judge_match(match, today, self_approval), digests, match)


def judge_match(match: Match, today: date, self_approval: bool) -> Finding:
    if not in_force(match.manifest):
        wrong = next(finding for finding in match.manifest.findings if finding.refuses)
        evidence = f"listed in {match.manifest.name}, which is not in force: {wrong.summary}"
        return _fail("manifest not in force", f"{evidence}, {wrong.evidence}", wrong.remedy)
    if revoked := match.manifest.verification.find_revoked(match.entry):
        finding = judge_revoked(revoked)
        return finding._replace(evidence=f"{match.entry.id}, {finding.evidence}")
    approval = match.entry.approval
    if today < approval.on:
        evidence = f"approved from {approval.on}, and this host says {today}"
        return _fail("not approved yet", evidence, "check the clock of this host")
    if today > approval.review_by:
        evidence = f"{match.entry.id}: review was due by {approval.review_by}"
        return _fail("review overdue", evidence, "look at it again, then: localai approve FILE")
    if approval.self_approved and not self_approval:
        evidence = f"{match.entry.id}: by {approval.by}; the policy does not allow that"
        return _fail("self-approved", evidence, "ask the officer to approve it")
    said = f"{match.entry.id} in {match.manifest.name}, approved by {approval.by}"
    if approval.self_approved:
        return Finding(CHECK, Verdict.NOTE, "intact", f"{said}, who is its user too")
    return Finding(CHECK, Verdict.PASS, "intact", said)


def _judge_unlisted(path: Path, digests: Digests, manifests: Sequence[LoadedManifest]) -> Finding:
    if revoked := find_revoked_file(
        manifests, (f"sha256:{digests.sha256}", f"tree-sha256:{digests.tree}")
    ):
        return judge_revoked(revoked)
    known = [digest for digest in (digests.sha256, digests.tree) if digest]
    if outside := find_outside(manifests, known):
        return judge_outside(outside)
    found = f"sha256 {digests.sha256}"
    if named := find_namesake(manifests, name_of(path)):
        evidence = f"{found}, {named.entry.id} lists {named.file.sha256}"
        return _fail("changed", evidence, f"get it again from {name_origin(named.entry)}")
    idle = [manifest.name for manifest in manifests if not in_force(manifest)]
    also = f"; not in force, so not looked into: {', '.join(idle)}" if idle else ""
    return _fail("not in the manifest", found + also, f"localai approve {quote(str(path))}")


def _fail(summary: str, evidence: str, remedy: str) -> Finding:
    return Finding(CHECK, Verdict.FAIL, summary, evidence, why=_WHY, remedy=remedy)
