"""The metrics, read back by the parser of Prometheus' own client library."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from localai.reports.prometheus import prometheus
from localai.reports.report import Report
from localai.terminal import printable

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(report: Report) -> Samples:
    text = prometheus(report).decode()
    assert text.endswith("\n")
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge" and family.documentation
        for sample in family.samples:
            assert sample.timestamp is None, "the textfile collector refuses times"
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, "a sample that stands twice spoils the whole file"
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"localai_selftest_{name}", frozenset(labels.items())]


def test_a_pass(report: Report) -> None:
    samples = samples_of(report)
    assert value(samples, "success") == 1
    assert value(samples, "verdict", verdict="pass") == 1
    assert value(samples, "verdict", verdict="fail") == 0
    assert value(samples, "timestamp_seconds") == report.result.time.timestamp()
    assert value(samples, "duration_seconds") == 0.4
    assert value(samples, "result_number") == 7
    assert value(samples, "controls_arrived") == 42
    assert value(samples, "probes", against="worker", outcome="blocked") == 42
    assert value(samples, "probes", against="worker", outcome="closed") == 1
    assert value(samples, "probes", against="launcher filter", outcome="blocked") == 21
    assert value(samples, "findings", verdict="note") == 1
    assert value(samples, "info", version="0.1.0", kernel="6.18.0") == 1


def test_something_got_out(failed: Report) -> None:
    samples = samples_of(failed)
    assert value(samples, "success") == 0
    assert value(samples, "verdict", verdict="fail") == 1
    outcomes = {"arrived": 1, "not-checked": 1, "closed": 1, "unsafe-here": 1, "blocked": 1}
    for outcome, count in outcomes.items():
        assert value(samples, "probes", against="worker", outcome=outcome) == count
    assert value(samples, "probes", against="launcher filter", outcome="arrived") == 1


def test_nothing_probed_is_no_success(unprobed: Report) -> None:
    samples = samples_of(unprobed)
    assert value(samples, "success") == 0
    assert value(samples, "verdict", verdict="not-checked") == 1


def test_the_same_metrics_whatever_the_outcome(
    report: Report, failed: Report, unprobed: Report
) -> None:
    """One that is missing after a bad run would keep its good value on a dashboard."""
    good = set(samples_of(report))
    assert set(samples_of(failed)) == good
    assert set(samples_of(unprobed)) == good


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", 'a",x="y'])
def test_a_label_cannot_break_out(report: Report, text: str) -> None:
    samples = samples_of(report._replace(result=report.result._replace(kernel=text)))
    assert value(samples, "info", version="0.1.0", kernel=printable(text)) == 1


def test_text_from_elsewhere_stays_text(hostile: Report) -> None:
    assert value(samples_of(hostile), "success") == 0
