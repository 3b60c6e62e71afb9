"""ruff, mypy and pytest, one after the other, and what was skipped."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bootstrap.paths import Checkout
from bootstrap.screen import say

STATIC = (
    ("ruff", ("ruff", "check", ".")),
    ("mypy", ("mypy",)),
    ("mypy of scripts", ("mypy", "scripts/bootstrap")),
)
# A process for each processor; one that is idle takes tests from the end of another's list, so that
# those of one file, which share what is costly to make, mostly stay together.
TOGETHER = ("--numprocesses=auto", "--dist=worksteal")


@dataclass(frozen=True, slots=True)
class Tests:
    """pytest's counts, and how often each reason for a skip was given."""

    passed: int
    failed: int
    skipped: Counter[str]


def run_checks(
    checkout: Checkout, environ: Mapping[str, str], arguments: Sequence[str], *, tests_only: bool
) -> int:
    """Run all checks, also after one has failed; return 0 if all passed."""

    def run(name: str, *command: str) -> bool:
        say(f"\n== {name}")
        return not subprocess.run(
            [checkout.python, "-m", *command], cwd=checkout.root, env=dict(environ), check=False
        ).returncode

    failed = [name for name, command in STATIC if not tests_only and not run(name, *command)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "pytest.xml"
        if not run("pytest", "pytest", f"--junit-xml={report}", *TOGETHER, *arguments):
            failed.append("pytest")
        if report.exists():
            print("\n".join(summary(read_report(report.read_bytes()))), flush=True)
    say("failed: " + ", ".join(failed) if failed else "all checks passed")
    return 1 if failed else 0


def read_report(xml: bytes) -> Tests:
    """Counts and reasons from pytest's JUnit report."""
    suites = ElementTree.fromstring(xml)  # noqa: S314 - pytest wrote it a moment ago
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for case in suites.iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes["failed"] += 1
        elif skip is not None and skip.get("type") == "pytest.skip":
            reasons[skip.get("message", "no reason given")] += 1
        else:
            outcomes["passed"] += 1
    return Tests(outcomes["passed"], outcomes["failed"], reasons)


def summary(tests: Tests) -> list[str]:
    """The last lines of a run: every reason for a skip with its count, then the totals."""
    lines = [f"  skipped {count}: {reason}" for reason, count in tests.skipped.most_common()]
    total = tests.skipped.total()
    return [*lines, f"tests: {tests.passed} passed, {tests.failed} failed, {total} skipped"]
