"""A self-test as metrics for the textfile collector of Prometheus' node exporter.

Source: the text exposition format 0.0.4. Samples bear no time of their own: that collector
refuses them; when the self-test ran is a metric, and an alert should watch its age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from localai.egress.probes.probe import FILTERS
from localai.egress.selftest import Outcome
from localai.findings import Finding, Verdict
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.egress.selftest import EgressReport, ProbeResult
    from localai.reports.report import Report

_VERDICTS = (Verdict.PASS, Verdict.FAIL, Verdict.NOT_CHECKED)
_Sample = tuple[Mapping[str, str], float]


def prometheus(report: Report) -> bytes:
    """The file's content. Every metric is there whatever the outcome, so that none goes stale."""
    return "".join(f"{line}\n" for line in _lines(report)).encode()


def _lines(report: Report) -> Iterator[str]:
    result = report.result
    yield from _metric(
        "localai_selftest_success",
        "1 if nothing got out and everything could be checked, else 0.",
        [({}, result.passed)],
    )
    yield from _metric(
        "localai_selftest_verdict",
        "1 for the verdict of the newest self-test, 0 for the others.",
        [({"verdict": verdict}, result.verdict is verdict) for verdict in _VERDICTS],
    )
    yield from _metric(
        "localai_selftest_timestamp_seconds",
        "When the newest self-test began, in seconds since 1970.",
        [({}, result.time.timestamp())],
    )
    yield from _metric(
        "localai_selftest_duration_seconds",
        "How long controls and probes took.",
        [({}, result.seconds)],
    )
    yield from _metric(
        "localai_selftest_result_number",
        "The number of the newest result in the log.",
        [({}, result.number)],
    )
    yield from _metric(
        "localai_selftest_controls_arrived",
        "Positive controls that reached their sink.",
        [({}, result.controls_arrived)],
    )
    yield from _metric(
        "localai_selftest_probes",
        "Probes by what they were tried against and by what became of them: the worker with all "
        "its layers, or one seccomp filter alone.",
        _probes(report.egress),
    )
    yield from _metric(
        "localai_selftest_findings",
        "Findings about sandbox and host by verdict.",
        [
            ({"verdict": verdict}, sum(found.verdict is verdict for found in _findings(report)))
            for verdict in Verdict
        ],
    )
    yield from _metric(
        "localai_selftest_info",
        "Always 1: which localai and kernel were tested.",
        [({"version": result.localai, "kernel": result.kernel}, 1)],
    )


def _findings(report: Report) -> tuple[Finding, ...]:
    return (*report.findings, *report.posture)


def _probes(report: EgressReport | None) -> list[_Sample]:
    samples = _count("worker", report.results if report else ())
    for name in FILTERS:
        found = report.filters.get(name) if report else None
        samples += _count(f"{name} filter", found.results if found else ())
    return samples


def _count(boundary: str, results: Sequence[ProbeResult]) -> list[_Sample]:
    found = Counter(result.outcome for result in results)
    return [({"against": boundary, "outcome": one}, found[one]) for one in Outcome]


def _metric(name: str, help_text: str, samples: Sequence[_Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escape(said)}"' for label, said in labels.items())
        yield f"{name}{{{inside}}} {float(value)!r}" if inside else f"{name} {float(value)!r}"


def _escape(value: str) -> str:
    """A label's value: what cannot be printed is spelled, then backslash and quote are escaped."""
    return printable(value).replace("\\", r"\\").replace('"', r"\"")
