"""The two documents, and that neither holds what it must not."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from localai.plan.build import decide, why_not_to_probe
from localai.plan.document import decision_document, record_document
from localai.plan.facts import Facts
from localai.policy import Policy


def test_the_decision(good: Facts) -> None:
    document = decision_document(good, decide(good, good.policy.policy))
    assert list(document) == [
        "schema",
        "decision",
        "artifact",
        "companions",
        "findings",
        "sandbox",
        "egress",
        "timings_ms",
    ]
    assert (document["schema"], document["decision"]) == ("localai.decision/1", "allow")
    json.dumps(document)


def test_the_figures_of_the_self_test(good: Facts) -> None:
    egress = decision_document(good, decide(good, good.policy.policy))["egress"]
    assert isinstance(egress, dict)
    results = egress.pop("results")
    assert egress.pop("launcher").pop("results")
    filters = egress.pop("filters")
    assert list(filters) == ["imports", "model", "gpu"]
    assert filters["model"].pop("results")
    assert filters["model"] == {"probes": 21, "arrived": 0, "not_checked": 0}
    assert egress == {
        "probes": 42,
        "controls_arrived": 42,
        "arrived": 0,
        "not_checked": 0,
        "closed": 1,
        "unsafe_here": 0,
    }
    assert results[-1] == {
        "probe": "vsock",
        "outcome": "closed",
        "control_arrived": False,
        "errno": 97,
        "detail": "EAFNOSUPPORT",
        "by_class": False,
    }


def test_every_finding_has_the_promised_keys(good: Facts) -> None:
    findings = decision_document(good, decide(good, good.policy.policy))["findings"]
    assert isinstance(findings, list) and len(findings) == 19
    for finding in findings:
        assert set(finding) >= {"check", "verdict", "summary", "evidence", "remedy"}


def test_a_refusal_before_any_probe(good: Facts) -> None:
    facts = good._replace(labels=(), sandbox=None, egress=None, switches=None)
    reason = why_not_to_probe(facts, Policy())
    assert reason == "the label already refuses"
    facts = facts._replace(unprobed=reason)
    document = decision_document(facts, decide(facts, Policy()))
    assert (document["decision"], document["egress"]) == ("refuse", None)
    assert "not probed" in json.dumps(document["findings"])


def test_why_no_probe_may_be_sent(good: Facts) -> None:
    assert why_not_to_probe(good, Policy()) == ""
    assert why_not_to_probe(good._replace(artifact=None), Policy()) == ""
    assert "manifest" in why_not_to_probe(good._replace(manifests=()), Policy())
    broken = good._replace(policy=good.policy._replace(problem="line 3"))
    assert "policy" in why_not_to_probe(broken, Policy())


def test_the_record_says_who_what_and_on_which_grounds(good: Facts) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    record = record_document(
        good, decide(good, good.policy.policy), event="run", now=now, version="0.1.0"
    )
    assert record["time"] == "2026-03-01T12:00:00.000+00:00"
    assert record["who"] == {
        "uid": 1000,
        "name": "pat",
        "origin": "local",
        "groups": ["it-staff"],
        "login_uid": None,
        "sudo_from": None,
        "terminal": True,
    }
    assert record["manifests"] == [{"name": "allowlist", "sha256": "c" * 64}]
    assert record["policy"] == {
        "name": "agency",
        "files": [{"path": "/etc/localai/policy.yaml", "sha256": "d" * 64}],
    }
    assert "results" not in json.dumps(record["egress"])
    assert len(json.dumps(record)) < 8000
