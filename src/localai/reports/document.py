"""A self-test as a document: ``localai.selftest/1``, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.plan.document import (
    Document,
    egress_document,
    finding_document,
    sandbox_document,
)

if TYPE_CHECKING:
    from localai.reports.report import Report

SCHEMA = "localai.selftest/1"


def selftest_document(report: Report) -> Document:
    """What ``localai selftest --json`` prints; ``egress`` is as in ``localai.decision/1``."""
    result = report.result
    return {
        "schema": SCHEMA,
        "time": result.time.isoformat(timespec="milliseconds"),
        "verdict": result.verdict.value,
        "exit_code": int(report.exit_code),
        "result": result.number,
        "host": report.host,
        "localai": result.localai,
        "kernel": result.kernel,
        "seconds": result.seconds,
        "findings": [finding_document(finding) for finding in report.findings],
        "posture": [finding_document(finding) for finding in report.posture],
        "sandbox": sandbox_document(report.sandbox),
        "egress": egress_document(report.egress),
    }
