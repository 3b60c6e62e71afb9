"""The approved-systems list as CSV: a line for each file of each artifact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localai.reports.table import table

if TYPE_CHECKING:
    from localai.manifest.schema import ArtifactFile
    from localai.reports.approved import ApprovedList, Listed

COLUMNS = (
    "id", "name", "kind", "licence", "publisher", "hub", "repository", "revision", "made_from",
    "purposes", "data_classes", "groups", "safeguards", "goes_with",
    "approved_by", "self_approved", "approved_on", "review_by", "ticket",
    "file", "bytes", "sha256", "manifest", "manifest_version", "manifest_sha256", "signed_by",
    "provenance",
)  # fmt: skip
"""Several values in one field stand apart by ``; ``. No groups: every account."""


def approved_csv(approved: ApprovedList) -> bytes:
    """The file's content, in the order of the manifests."""
    return table(
        COLUMNS,
        (_fields(listed, file) for listed in approved.listed for file in listed.entry.files),
    )


def _fields(listed: Listed, file: ArtifactFile) -> Sequence[str]:
    entry, verification = listed.entry, listed.manifest.verification
    version = verification.manifest.version if verification.manifest else ""
    return (
        entry.id, entry.name, entry.kind, entry.licence,
        entry.source.publisher, entry.source.hub or "",
        entry.source.repository, entry.source.revision or "",
        _several(entry.source.bases),
        _several(entry.use.purposes), _several(entry.use.data_classes),
        _several(entry.use.groups), _several(entry.use.safeguards), _several(entry.companions),
        entry.approval.by, "yes" if entry.approval.self_approved else "no",
        str(entry.approval.on), str(entry.approval.review_by), entry.approval.ticket or "",
        file.name, str(file.size), file.sha256,
        listed.manifest.name, str(version), listed.manifest.sha256, _several(verification.signers),
        _several([str(one) for one in entry.provenance]),
    )  # fmt: skip


def _several(values: Sequence[str]) -> str:
    return "; ".join(values)
