"""Judge the self-test: what each probe, its control and its sink say together.

Only a sink decides whether something arrived. An errno explains; it never acquits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from errno import EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM
from typing import NamedTuple

from localai.egress.probes.probe import FILTERS, LAUNCHER, Attempt

# A kernel that was busy or short of something: the next time the same probe may get out.
_NOT_NOW = frozenset({EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM})


class Outcome(StrEnum):
    """What became of one probe."""

    BLOCKED = "blocked"  # the control arrived, the probe did not
    ARRIVED = "arrived"  # the probe got out
    CLOSED = "closed"  # this kernel or account refuses it even unconfined
    UNSAFE_HERE = "unsafe-here"  # cannot be aimed at a sink of ours here: not sent
    NOT_CHECKED = "not-checked"  # anything else


class Judged(NamedTuple):
    """What is needed to judge one probe: its nonces and what the attempts said.

    ``control`` or ``attempt`` is None where that attempt was never reported. ``unsafe`` says why
    the probe cannot be sent on this host ("" if it can). ``closing`` are the errnos by which the
    unconfined attempt shows that the kernel refuses this way to everybody. ``by_class`` says that
    the same call was tried on another path than the one that the probe is about.
    """

    probe: str
    control_nonce: str
    nonce: str
    control: Attempt | None
    attempt: Attempt | None
    closing: frozenset[int]
    unsafe: str = ""
    by_class: bool = False


class ProbeResult(NamedTuple):
    """One row of the matrix. ``detail`` explains it: the errno met, or why it was not sent."""

    probe: str
    outcome: Outcome
    control_arrived: bool
    error: int
    detail: str
    by_class: bool = False


class FilterReport(NamedTuple):
    """What became of the probes under one seccomp filter and no other layer."""

    results: tuple[ProbeResult, ...]

    @property
    def probes(self) -> int:
        return count_sent(self.results)

    @property
    def arrived(self) -> tuple[str, ...]:
        return names(self.results, Outcome.ARRIVED)

    @property
    def not_checked(self) -> tuple[str, ...]:
        return names(self.results, Outcome.NOT_CHECKED)


class EgressReport(NamedTuple):
    """The whole self-test. ``filters`` are those of ``probe.FILTERS`` that were ``asked`` for,
    each on its own; ``seconds`` is the wall time of all controls and probes."""

    results: tuple[ProbeResult, ...]
    filters: Mapping[str, FilterReport]
    seconds: float
    asked: tuple[str, ...] = FILTERS

    @property
    def launcher(self) -> FilterReport:
        """The launcher has its filter and no other layer."""
        return self.filters.get(LAUNCHER, FilterReport(()))

    @property
    def probes(self) -> int:
        """How many probes count: neither closed nor unsafe here."""
        return count_sent(self.results)

    @property
    def controls_arrived(self) -> int:
        return sum(result.control_arrived for result in self.results)

    @property
    def arrived(self) -> tuple[str, ...]:
        return names(self.results, Outcome.ARRIVED)

    @property
    def closed(self) -> tuple[str, ...]:
        return names(self.results, Outcome.CLOSED)

    @property
    def unsafe_here(self) -> tuple[str, ...]:
        return names(self.results, Outcome.UNSAFE_HERE)

    @property
    def not_checked(self) -> tuple[str, ...]:
        return names(self.results, Outcome.NOT_CHECKED)

    @property
    def by_class(self) -> tuple[str, ...]:
        return tuple(result.probe for result in self.results if result.by_class)


def names(results: Iterable[ProbeResult], outcome: Outcome) -> tuple[str, ...]:
    return tuple(result.probe for result in results if result.outcome is outcome)


def count_sent(results: Iterable[ProbeResult]) -> int:
    not_sent = (Outcome.CLOSED, Outcome.UNSAFE_HERE)
    return sum(result.outcome not in not_sent for result in results)


def judge(rows: Sequence[Judged], received: bytes, errors: Mapping[int, str]) -> list[ProbeResult]:
    """Judge every row by ``received``: all bytes that all sinks took in, from whomever.

    ``errors`` names errnos for people (``errno.errorcode``). A nonce that turns up anywhere has
    arrived, through whichever sink.
    """
    return [_judge(row, received, errors)._replace(by_class=row.by_class) for row in rows]


def _judge(row: Judged, received: bytes, errors: Mapping[int, str]) -> ProbeResult:
    if row.unsafe:
        return ProbeResult(row.probe, Outcome.UNSAFE_HERE, False, 0, row.unsafe)
    control = _reached(row.control, row.control_nonce, received)
    error = row.attempt.error if row.attempt else 0
    met = errors.get(error, str(error)) if error else "no error"
    if _reached(row.attempt, row.nonce, received):
        return ProbeResult(row.probe, Outcome.ARRIVED, control, error, "its nonce reached the sink")
    if row.control is None or row.control.failed:
        why = row.control.failed if row.control else "no report"
        return ProbeResult(row.probe, Outcome.NOT_CHECKED, control, error, f"control: {why}")
    if not control:
        refused = errors.get(row.control.error, str(row.control.error))
        if row.control.error in row.closing:
            return ProbeResult(row.probe, Outcome.CLOSED, False, row.control.error, refused)
        detail = f"control did not arrive ({refused})"
        return ProbeResult(row.probe, Outcome.NOT_CHECKED, False, error, detail)
    if row.attempt is None or row.attempt.failed:
        why = row.attempt.failed if row.attempt else "no report"
        return ProbeResult(row.probe, Outcome.NOT_CHECKED, True, error, f"probe: {why}")
    if error in _NOT_NOW:
        return ProbeResult(row.probe, Outcome.NOT_CHECKED, True, error, f"probe: {met}")
    return ProbeResult(row.probe, Outcome.BLOCKED, True, error, met)


def _reached(attempt: Attempt | None, nonce: str, received: bytes) -> bool:
    learned = attempt.learned if attempt else ""
    return nonce.encode() in received or nonce in learned
