"""The decision as a document: ``localai.decision/1`` for programs, and the line for the records.

Both are built here field by field, so that no internal type becomes a promise by accident.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from localai.egress.probes.probe import LAUNCHER
from localai.findings import Finding

if TYPE_CHECKING:
    from localai.egress.selftest import EgressReport, FilterReport, ProbeResult
    from localai.plan.build import Decision
    from localai.plan.facts import Artifact, Facts
    from localai.sandbox.status import SandboxStatus

SCHEMA = "localai.decision/1"
RECORD_SCHEMA = "localai.record/1"

Document = dict[str, object]


def decision_document(facts: Facts, decision: Decision) -> Document:
    """What ``localai check --json`` prints. Nothing that was not measured has a figure in it."""
    return {
        "schema": SCHEMA,
        "decision": "allow" if decision.allowed else "refuse",
        "artifact": _artifact(facts.artifact) if facts.artifact else None,
        "companions": [
            {**_artifact(one), "kind": one.kind, "scale": one.scale}
            for one in facts.companions or ()
        ],
        "findings": [finding_document(finding) for finding in decision.findings],
        "sandbox": sandbox_document(facts.sandbox),
        "egress": egress_document(facts.egress),
        "timings_ms": {name: round(value, 1) for name, value in facts.timings_ms.items()},
    }


def record_document(
    facts: Facts, decision: Decision, *, event: str, now: datetime, version: str
) -> Document:
    """One line of the records: who, what, on which grounds. No prompt, no output, no key.

    ``event`` is what was asked for (``run``, ``check``), ``now`` an aware time, ``version``
    localai's. Probes are counted; those that
    got out are named by the finding.
    """
    account = facts.account
    document = decision_document(facts, decision)
    egress = document.pop("egress")
    if isinstance(egress, dict):
        egress.pop("results")
        for counted in (egress["launcher"], *egress["filters"].values()):
            counted.pop("results")
    return {
        "record": RECORD_SCHEMA,
        "time": now.isoformat(timespec="milliseconds"),
        "event": event,
        "localai": version,
        "who": {
            "uid": account.uid,
            "name": account.name,
            "origin": account.origin.value,
            "groups": list(account.groups),
            "login_uid": account.login_uid,
            "sudo_from": account.sudo_from or None,
            "terminal": account.terminal,
        },
        "use": {"purpose": facts.use.purpose, "data_class": facts.use.data_class},
        "manifests": [{"name": loaded.name, "sha256": loaded.sha256} for loaded in facts.manifests],
        "policy": {
            "name": facts.policy.policy.name,
            "files": [{"path": path, "sha256": sha256} for path, sha256 in facts.policy.files],
        },
        **document,
        "egress": egress,
    }


def _artifact(artifact: Artifact) -> Document:
    return {
        "path": artifact.path,
        "name": artifact.name,
        "size": artifact.size,
        "digests": list(artifact.digests),
        "entry": artifact.entry.id if artifact.entry else None,
        "manifest": artifact.manifest or None,
        "sealed": artifact.sealed,
        "read_only_store": artifact.read_only,
    }


def finding_document(finding: Finding) -> Document:
    return {
        "check": finding.check,
        "verdict": finding.verdict.value,
        "summary": finding.summary,
        "evidence": finding.evidence,
        "why": finding.why,
        "remedy": finding.remedy,
    }


def sandbox_document(status: SandboxStatus | None) -> Document | None:
    if status is None:
        return None
    return {
        "uid": status.uid,
        "layers": [
            {
                "name": layer.name,
                "required": layer.required,
                "in_force": layer.in_force,
                "detail": layer.detail,
            }
            for layer in status.layers
        ],
    }


def egress_document(report: EgressReport | None) -> Document | None:
    if report is None:
        return None
    return {
        "probes": report.probes,
        "controls_arrived": report.controls_arrived,
        "arrived": len(report.arrived),
        "not_checked": len(report.not_checked),
        "closed": len(report.closed),
        "unsafe_here": len(report.unsafe_here),
        "launcher": _filter(report.launcher),
        "filters": {
            name: _filter(found) for name, found in report.filters.items() if name != LAUNCHER
        },
        "results": [_result(result) for result in report.results],
    }


def _filter(report: FilterReport) -> Document:
    return {
        "probes": report.probes,
        "arrived": len(report.arrived),
        "not_checked": len(report.not_checked),
        "results": [_result(result) for result in report.results],
    }


def _result(result: ProbeResult) -> Mapping[str, object]:
    return {
        "probe": result.probe,
        "outcome": result.outcome.value,
        "control_arrived": result.control_arrived,
        "errno": result.error,
        "detail": result.detail,
        "by_class": result.by_class,
    }
