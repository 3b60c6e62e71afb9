"""Findings: what a gate answers, and what a set of answers decides."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """A gate's answer. ``FAIL`` and ``NOT_CHECKED`` refuse; the others allow."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    NOTE = "note"
    FAIL = "fail"
    NOT_CHECKED = "not-checked"
    WAIVED = "waived"


REFUSING = frozenset({Verdict.FAIL, Verdict.NOT_CHECKED})
WORST_FIRST = (Verdict.FAIL, Verdict.NOT_CHECKED, Verdict.WAIVED, Verdict.NOTE, Verdict.PASS)


class Finding(NamedTuple):
    """One gate's answer.

    ``summary`` is the answer in a word or two ("sandbox", "not in the manifest"), ``evidence``
    what it rests on (a file, a digest, a figure), ``why`` the rule behind a refusal, and
    ``remedy`` what to do about it: a command where there is one.
    """

    check: str
    verdict: Verdict
    summary: str
    evidence: str = ""
    why: str = ""
    remedy: str = ""

    @property
    def refuses(self) -> bool:
        return self.verdict in REFUSING


def refused(findings: Iterable[Finding]) -> bool:
    """True if any finding refuses. An empty set refuses too: nothing was checked."""
    listed = tuple(findings)
    return not listed or any(finding.refuses for finding in listed)
