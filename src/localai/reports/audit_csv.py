"""An audit as CSV: a line for each file, then one for each remark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localai.reports.table import table

if TYPE_CHECKING:
    from localai.audit.audit import Audit
    from localai.audit.files import AuditedFile
    from localai.audit.rules import Remark

COLUMNS = (
    "about", "subject", "state", "verdict", "summary", "evidence", "remedy",
    "kind", "bytes", "sha256", "entry", "manifest", "store", "called", "same_as",
)  # fmt: skip
"""``about`` is ``file``, or what a remark is about; what a line has nothing to say of is empty."""


def audit_csv(audit: Audit) -> bytes:
    """The file's content."""
    files = [_file(file) for file in audit.files]
    return table(COLUMNS, [*files, *(_remark(remark) for remark in audit.remarks)])


def _file(file: AuditedFile) -> Sequence[str]:
    finding, match = file.finding, file.match
    return (
        "file", str(file.path), file.state,
        finding.verdict, finding.summary, finding.evidence, finding.remedy,
        file.kind, str(file.size), file.sha256 or "",
        match.entry.id if match else "", match.manifest.name if match else "",
        file.named.tool, file.named.called, str(file.same_as or ""),
    )  # fmt: skip


def _remark(remark: Remark) -> Sequence[str]:
    finding = remark.finding
    said = (finding.verdict, finding.summary, finding.evidence, finding.remedy)
    return (finding.check, remark.subject, "", *said, *[""] * 8)
