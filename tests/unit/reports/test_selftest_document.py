"""The document ``localai.selftest/1``: its keys, and the egress that decisions have too."""

from __future__ import annotations

import json

from localai.findings import Verdict
from localai.plan.build import Decision
from localai.plan.document import decision_document
from localai.plan.facts import Facts
from localai.reports.document import selftest_document
from localai.reports.report import Report


def test_every_key(report: Report) -> None:
    document = json.loads(json.dumps(selftest_document(report)))
    assert document.pop("egress") and document.pop("findings") and document.pop("posture")
    assert document == {
        "schema": "localai.selftest/1",
        "time": "2026-03-01T03:04:05.678+00:00",
        "verdict": "pass",
        "exit_code": 0,
        "result": 7,
        "host": "it-7",
        "localai": "0.1.0",
        "kernel": "6.18.0",
        "seconds": 0.4,
        "sandbox": None,
    }


def test_the_egress_is_that_of_a_decision(report: Report, good: Facts) -> None:
    decision = decision_document(good._replace(egress=report.egress), Decision(report.findings))
    document = selftest_document(report)
    assert document["egress"] == decision["egress"]
    assert document["findings"] == decision["findings"]


def test_the_exit_code_says_the_same_as_the_verdict(failed: Report, unprobed: Report) -> None:
    said = [
        (one["verdict"], one["exit_code"]) for one in map(selftest_document, (failed, unprobed))
    ]
    assert said == [(Verdict.FAIL, 3), (Verdict.NOT_CHECKED, 4)]
    assert selftest_document(unprobed)["egress"] is None
