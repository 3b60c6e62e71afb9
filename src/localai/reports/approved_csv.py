"""The approved-systems list as CSV: a line for each file of each artifact.

Source: RFC 4180, in UTF-8. What a spreadsheet would take for a formula is marked as text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from localai.terminal import printable

if TYPE_CHECKING:
    from localai.manifest.schema import ArtifactFile
    from localai.reports.approved import ApprovedList, Listed

COLUMNS = (
    "id", "name", "kind", "licence", "publisher", "hub", "repository", "revision", "made_from",
    "purposes", "data_classes", "groups", "safeguards", "goes_with",
    "approved_by", "self_approved", "approved_on", "review_by", "ticket",
    "file", "bytes", "sha256", "manifest", "manifest_version", "manifest_sha256", "signed_by",
)  # fmt: skip
"""Several values in one field stand apart by ``; ``. No groups: every account."""


_FORMULA = re.compile(r"(^|;\s*)([=+@\uff1d\uff0b\uff20\uff0d-])")  # full width ones as well


def approved_csv(approved: ApprovedList) -> bytes:
    """The file's content, in the order of the manifests."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for listed in approved.listed:
        for file in listed.entry.files:
            writer.writerow([_tame(field) for field in _fields(listed, file)])
    return text.getvalue().encode()


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
    )  # fmt: skip


def _several(values: Sequence[str]) -> str:
    return "; ".join(values)


def _tame(field: str) -> str:
    """A field that no spreadsheet computes (OWASP, CSV injection): with an apostrophe in front.

    Where the comma is a decimal sign, spreadsheets part fields at ``;``: so before each part.
    """
    return _FORMULA.sub(r"\1'\2", printable(field))
