"""A self-test as JUnit XML: what continuous integration shows as a list of tests.

Source: the schema that Jenkins' xUnit plugin publishes; others read it the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from localai.egress.selftest import Outcome
from localai.findings import Finding, Verdict
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.egress.selftest import ProbeResult
    from localai.reports.report import Report

# What stands below a test that did not simply pass.
_OUTCOMES = {
    Outcome.ARRIVED: "failure",
    Outcome.NOT_CHECKED: "error",
    Outcome.CLOSED: "skipped",
    Outcome.UNSAFE_HERE: "skipped",
}
_VERDICTS = {Verdict.FAIL: "failure", Verdict.NOT_CHECKED: "error", Verdict.WAIVED: "skipped"}


def junit(report: Report) -> bytes:
    """The document: a suite each for the worker's probes, those under each filter, the findings.

    ``time`` in seconds. Characters that XML 1.0 does not know are spelled out.
    """
    root = Element("testsuites", name="localai selftest")
    if report.egress:
        _add_suite(root, report, "worker", map(_of_probe, report.egress.results))
        for name, found in report.egress.filters.items():
            _add_suite(root, report, f"{name}-filter", map(_of_probe, found.results))
    _add_suite(root, report, "findings", map(_of_finding, (*report.findings, *report.posture)))
    root[0].set("time", f"{report.result.seconds:.3f}")
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add_suite(
    root: Element, report: Report, name: str, tests: Iterable[tuple[str, str, str]]
) -> None:
    """``tests``: each one's name, what stands below it ("" if it passed), and why."""
    suite = SubElement(
        root,
        "testsuite",
        name=name,
        timestamp=report.result.time.strftime("%Y-%m-%dT%H:%M:%S"),
        hostname=printable(report.host),
        time="0",
    )
    counts = dict.fromkeys(("failure", "error", "skipped"), 0)
    for test, below, why in tests:
        case = SubElement(
            suite, "testcase", classname=f"localai.selftest.{name}", name=printable(test), time="0"
        )
        if below:
            counts[below] += 1
            SubElement(case, below, message=printable(why))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))


def _of_probe(result: ProbeResult) -> tuple[str, str, str]:
    return result.probe, _OUTCOMES.get(result.outcome, ""), f"{result.outcome}: {result.detail}"


def _of_finding(finding: Finding) -> tuple[str, str, str]:
    said = ": ".join(filter(None, (finding.summary, finding.evidence)))
    return finding.check, _VERDICTS.get(finding.verdict, ""), said
