"""The result of one self-test: what is kept of it, as a line of the log and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from localai.errors import DocumentError
from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.egress.selftest import EgressReport, FilterReport

SCHEMA = "localai.selftest-result/1"

_T = TypeVar("_T")


class Boundary(NamedTuple):
    """The probes of the worker, or under one filter: how many count, which were not blocked."""

    probes: int = 0
    arrived: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


class Result(NamedTuple):
    """One self-test.

    ``number`` counts from 1 in the order in which results were written, whatever the clock said;
    0: not written yet. ``time`` is when it began, aware, in UTC. ``verdict`` is ``pass``,
    ``fail`` (something got out, or a check says that it could) or ``not-checked``.
    ``filters`` has the seccomp filters that were probed each on its own, the launcher's among
    them. ``by_class`` are the probes that were tried on a path of our own. ``refusing`` names what
    refused, a finding's check and summary, ``waived`` the checks that the policy waives.
    ``seconds`` is the wall time of controls and probes.
    """

    time: datetime
    verdict: Verdict
    localai: str
    kernel: str
    worker: Boundary = Boundary()
    filters: Mapping[str, Boundary] = MappingProxyType({})
    controls_arrived: int = 0
    closed: tuple[str, ...] = ()
    unsafe_here: tuple[str, ...] = ()
    by_class: tuple[str, ...] = ()
    refusing: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    seconds: float = 0.0
    number: int = 0

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASS


def make_result(
    time: datetime,
    egress: EgressReport | None,
    findings: Iterable[Finding],
    *,
    version: str,
    kernel: str,
) -> Result:
    """Sum a self-test up. ``egress`` is None where no worker was probed: nothing was checked
    then, whatever the findings say."""
    findings = tuple(findings)
    refusing = tuple(f"{found.check}: {found.summary}" for found in findings if found.refuses)
    waived = tuple(found.check for found in findings if found.verdict is Verdict.WAIVED)
    verdict = _judge(egress, findings)
    if egress is None:
        return Result(time, verdict, version, kernel, refusing=refusing, waived=waived)
    return Result(
        time,
        verdict,
        version,
        kernel,
        _bound(egress),
        {name: _bound(found) for name, found in egress.filters.items()},
        egress.controls_arrived,
        egress.closed,
        egress.unsafe_here,
        egress.by_class,
        refusing,
        waived,
        round(egress.seconds, 3),
    )


def _bound(found: EgressReport | FilterReport) -> Boundary:
    return Boundary(found.probes, found.arrived, found.not_checked)


def _judge(egress: EgressReport | None, findings: tuple[Finding, ...]) -> Verdict:
    verdicts = {finding.verdict for finding in findings}
    if egress is None or not findings:
        return Verdict.NOT_CHECKED
    for worst in (Verdict.FAIL, Verdict.NOT_CHECKED):
        if worst in verdicts:
            return worst
    return Verdict.PASS


def result_line(result: Result) -> dict[str, object]:
    """What the log keeps; it adds the number itself."""
    return {
        "record": SCHEMA,
        "time": result.time.astimezone(UTC).isoformat(timespec="milliseconds"),
        "verdict": result.verdict.value,
        "localai": result.localai,
        "kernel": result.kernel,
        "worker": _boundary_line(result.worker),
        "filters": {name: _boundary_line(found) for name, found in result.filters.items()},
        "controls_arrived": result.controls_arrived,
        "closed": list(result.closed),
        "unsafe_here": list(result.unsafe_here),
        "by_class": list(result.by_class),
        "refusing": list(result.refusing),
        "waived": list(result.waived),
        "seconds": result.seconds,
    }


def read_result(line: Mapping[str, object]) -> Result:
    """A line of the log. Raises DocumentError if it is no result, or not wholly one."""
    try:
        if line["record"] != SCHEMA:
            raise DocumentError(f"{line['record']!r}: expected {SCHEMA}")
        return Result(
            _time(line["time"]),
            Verdict(_typed(line["verdict"], str)),
            _typed(line["localai"], str),
            _typed(line["kernel"], str),
            _boundary(line["worker"]),
            {name: _boundary(found) for name, found in _typed(line["filters"], dict).items()},
            _typed(line["controls_arrived"], int),
            _names(line["closed"]),
            _names(line["unsafe_here"]),
            _names(line["by_class"]),
            _names(line["refusing"]),
            _names(line["waived"]),
            float(_typed(line["seconds"], (int, float))),
            _typed(line["number"], int),
        )
    except KeyError as error:
        raise DocumentError(f"{error.args[0]} is missing") from error
    except ValueError as error:
        raise DocumentError(str(error)) from error


def _boundary_line(boundary: Boundary) -> dict[str, object]:
    return {
        "probes": boundary.probes,
        "arrived": list(boundary.arrived),
        "not_checked": list(boundary.not_checked),
    }


def _boundary(value: object) -> Boundary:
    line = _typed(value, dict)
    return Boundary(
        _typed(line["probes"], int), _names(line["arrived"]), _names(line["not_checked"])
    )


def _time(value: object) -> datetime:
    time = datetime.fromisoformat(_typed(value, str))
    if time.tzinfo is None:
        raise DocumentError(f"{value}: no time zone")
    return time.astimezone(UTC)


def _names(value: object) -> tuple[str, ...]:
    return tuple(_typed(name, str) for name in _typed(value, list))


def _typed(value: object, kind: type[_T] | tuple[type[_T], ...]) -> _T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DocumentError(f"{value!r}: not what stands there in a result")
    return value
