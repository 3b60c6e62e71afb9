"""The JUnit report, read back by an XML parser."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from localai.reports.junit import junit
from localai.reports.report import Report


def suites_of(report: Report) -> dict[str, Element]:
    root = fromstring(junit(report))
    assert root.tag == "testsuites"
    return {suite.attrib["name"]: suite for suite in root}


def below(suite: Element) -> dict[str, str]:
    """What stands below each test, "" if it passed."""
    return {case.attrib["name"]: case[0].tag if len(case) else "" for case in suite}


def test_a_pass(report: Report) -> None:
    suites = suites_of(report)
    assert set(suites) == {
        "worker", "imports-filter", "model-filter", "gpu-filter", "launcher-filter", "findings",
    }  # fmt: skip
    worker = suites["worker"].attrib
    assert (worker["tests"], worker["failures"], worker["errors"]) == ("43", "0", "0")
    assert (worker["skipped"], worker["time"], worker["hostname"]) == ("1", "0.400", "it-7")
    assert worker["timestamp"] == "2026-03-01T03:04:05"
    assert below(suites["findings"]) == dict.fromkeys(
        ("sandbox", "sandbox-egress", "host-egress"), ""
    )


def test_every_outcome_has_its_form(failed: Report) -> None:
    suites = suites_of(failed)
    assert below(suites["worker"]) == {
        "tcp4": "failure",
        "tcp6": "error",
        "x32": "skipped",
        "vsock": "skipped",
        "fork": "",
    }
    counts = suites["worker"].attrib
    assert [counts[name] for name in ("tests", "failures", "errors", "skipped")] == [*"5112"]
    assert below(suites["launcher-filter"]) == {"tcp4": "failure"}
    assert below(suites["findings"])["sandbox-egress"] == "failure"
    first = suites["worker"][0][0].attrib["message"]
    assert first == "arrived: its nonce reached the sink"


def test_nothing_probed_is_an_error_and_no_pass(unprobed: Report) -> None:
    suites = suites_of(unprobed)
    assert set(suites) == {"findings"}
    assert below(suites["findings"])["sandbox-egress"] == "error"


def test_text_from_elsewhere_stays_text(hostile: Report) -> None:
    suites = suites_of(hostile)
    (case,) = suites["worker"]
    assert case.attrib["name"].startswith('evil\\x1b]0;x\\x07"')
    assert "\\x00" in case[0].attrib["message"] and "\\ud800" in case[0].attrib["message"]
