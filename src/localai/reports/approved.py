"""The approved-systems list: what the manifests in force approve on one day, for every format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from localai.manifest.schema import Entry
    from localai.manifest.verify import LoadedManifest


class Listed(NamedTuple):
    """One approved artifact, and the manifest that says so."""

    manifest: LoadedManifest
    entry: Entry


class LeftOut(NamedTuple):
    """An entry that stands in a manifest and approves nothing, and why."""

    entry: str
    why: str


class ApprovedList(NamedTuple):
    """``made`` is when the list was made, aware; it holds for that day."""

    made: datetime
    manifests: tuple[LoadedManifest, ...]
    listed: tuple[Listed, ...]
    left_out: tuple[LeftOut, ...]


def list_approved(
    manifests: Sequence[LoadedManifest], made: datetime, *, self_approval: bool
) -> ApprovedList:
    """What is approved. The caller has seen that the manifests are in force.

    ``self_approval`` False: what somebody approved for themselves counts for nothing. What the
    policy of a host refuses beyond that (a licence, a class of data) is not looked at.
    """
    listed, left_out = [], []
    for manifest in manifests:
        known = manifest.verification.manifest
        for entry in known.entries if known else ():
            if why := _find_objection(manifest, entry, made.date(), self_approval):
                left_out.append(LeftOut(entry.id, why))
            else:
                listed.append(Listed(manifest, entry))
        for one in manifest.verification.outside:
            left_out.append(LeftOut(one.entry.id, f"outside the lane: {one.why}"))
    return ApprovedList(made, tuple(manifests), tuple(listed), tuple(left_out))


def _find_objection(
    manifest: LoadedManifest, entry: Entry, today: date, self_approval: bool
) -> str:
    """Why an entry approves nothing, "" if it does."""
    approval = entry.approval
    if revoked := manifest.verification.find_revoked(entry):
        return f"revoked on {revoked.on}: {revoked.reason}"
    if today < approval.on:
        return f"approved from {approval.on} on"
    if today > approval.review_by:
        return f"its review was due by {approval.review_by}"
    if approval.self_approved and not self_approval:
        return f"{approval.by} approved it for themselves, which the policy does not allow"
    return ""
