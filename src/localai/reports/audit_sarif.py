"""An audit as SARIF 2.1.0 (OASIS Standard, 2020), for what collects findings.

Every file that is not approved and every remark that is no pass is a result; ``level`` says whether
it refuses. A path is a URI, so that it is exact whatever stands in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import localai
from localai.audit.files import State
from localai.findings import Finding, Verdict
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.audit.audit import Audit

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_Object = dict[str, object]
_LEVELS = {Verdict.FAIL: "error", Verdict.NOT_CHECKED: "error", Verdict.NOTE: "note"}


def audit_sarif(audit: Audit) -> bytes:
    """The file's content."""
    results = list(_results(audit))
    rules = dict.fromkeys(str(result["ruleId"]) for result in results)
    run: _Object = {
        "tool": {
            "driver": {
                "name": "localai",
                "semanticVersion": localai.__version__,
                "rules": [{"id": rule, "name": rule} for rule in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": f"{audit.made:%Y-%m-%dT%H:%M:%SZ}",
                "exitCode": 0 if audit.clean else 3,
                "machine": printable(audit.host),
            }
        ],
        "results": results,
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(document, indent=2) + "\n").encode()


def _results(audit: Audit) -> Iterator[_Object]:
    for file in audit.files:
        if file.state is State.APPROVED:
            continue
        yield {
            **_result(f"file-{file.state}", str(file.path), file.finding),
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": file.path.as_uri()}}}],
            **({"fingerprints": {"sha256/v1": file.sha256}} if file.sha256 else {}),
        }
    for remark in audit.remarks:
        if remark.finding.verdict is Verdict.PASS:
            continue
        name = printable(remark.subject)
        yield {
            **_result(remark.finding.check, remark.subject, remark.finding),
            "locations": [{"logicalLocations": [{"fullyQualifiedName": name}]}],
        }


def _result(rule: str, subject: str, finding: Finding) -> _Object:
    said = f"{subject}: {finding.summary}"
    parts = (f"{said}: {finding.evidence}" if finding.evidence else said, finding.remedy)
    return {
        "ruleId": rule,
        "level": _LEVELS.get(finding.verdict, "none"),
        "message": {"text": printable(". ".join(part for part in parts if part))},
    }
