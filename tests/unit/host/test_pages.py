"""The page for those who watch hosts names what is really there."""

from __future__ import annotations

import re
from pathlib import Path

from localai.host.checks import CHECKS
from localai.host.switches import TELEMETRY_SWITCHES

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src/localai"
_GIVEN = re.compile(r'"(localai-(?:lab|victim|probe|worker|copy)[a-z-]*)"')


def test_every_name_that_a_process_is_given_stands_on_the_page() -> None:
    page = (ROOT / "docs/soc.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(localai-[a-z]+)` \|", page, re.MULTILINE))
    given = {
        name
        for path in SOURCE.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "kernel.fork(" in line or "show_as(" in line
        for name in _GIVEN.findall(line)
    }
    assert listed == given


def test_the_switches_on_the_page_are_those_that_are_forced() -> None:
    page = (ROOT / "docs/soc.md").read_text("utf-8")
    block = page.partition("## The switches")[2].split("```")[1]
    assert block.split() == [f"{name}={value}" for name, value in TELEMETRY_SWITCHES.items()]


def test_every_question_about_the_host_is_explained_to_the_officer() -> None:
    page = (ROOT / "docs/security-officer.md").read_text("utf-8")
    assert re.findall(r"^\| `(host-[a-z-]+)` \|", page, re.MULTILINE) == list(CHECKS)
