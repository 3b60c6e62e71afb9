"""The last lines of scripts/test: counts, and every reason for a skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bootstrap.checks import read_report, summary

TESTS = """
import pytest
def test_passes(): pass
def test_fails(): assert False
@pytest.fixture
def broken(): raise RuntimeError
def test_errs(broken): pass
@pytest.mark.parametrize("n", range(3))
def test_skips(n): pytest.skip("no such kernel")
@pytest.mark.skip(reason="not today")
def test_marked(): pass
@pytest.mark.xfail
def test_expected(): assert False
"""


def test_the_report_of_a_real_run_is_summed_up(tmp_path: Path) -> None:
    (tmp_path / "test_trial.py").write_text(TESTS)
    report = tmp_path / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        f"--rootdir={tmp_path}",
        f"--junit-xml={report}",
        tmp_path,
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert summary(read_report(report.read_bytes())) == [
        "  skipped 3: no such kernel",
        "  skipped 1: not today",
        "tests: 2 passed, 2 failed, 4 skipped",
    ]
