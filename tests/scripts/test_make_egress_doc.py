"""docs/egress.md says what the probes and their catalogue say."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from localai.egress.probes import PROBES

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the page is made on x86_64, which has the most probes"
)


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts" / "make-egress-doc"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_page_is_what_the_probes_say(root: Path) -> None:
    done = make(root, "--check")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run scripts/make-egress-doc"


def test_the_page_has_every_probe_once_in_order(root: Path) -> None:
    page = (root / "docs" / "egress.md").read_text("utf-8")
    assert re.findall(r"^### (\S+)$", page, re.MULTILINE) == [probe.name for probe in PROBES]
    assert re.findall(r"^\| \[(\S+)\]", page, re.MULTILINE) == [probe.name for probe in PROBES]


@pytest.mark.parametrize("part", ["### tcp4", "one TCP", "seccomp, landlock"])
def test_a_page_that_says_something_else_is_seen(root: Path, tmp_path: Path, part: str) -> None:
    page = tmp_path / "egress.md"
    assert make(root, str(page)).returncode == 0
    assert make(root, "--check", str(page)).returncode == 0
    text = page.read_text("utf-8").replace("a TCP connection", "one TCP connection")
    page.write_text(text.replace(part, "something else", 1), "utf-8")
    done = make(root, "--check", str(page))
    assert done.returncode == 1
    assert "expected" in done.stdout


def test_a_page_that_ends_early_is_seen(root: Path, tmp_path: Path) -> None:
    page = tmp_path / "egress.md"
    make(root, str(page))
    page.write_text("\n".join(page.read_text("utf-8").splitlines()[:-2]), "utf-8")
    assert make(root, "--check", str(page)).returncode == 1
