"""The page says what the vectors hold: every known hole that has one, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_KNOWN = re.compile(r"CVE-\d{4}-\d+|llama\.cpp (?:issue|pull request) \d+")


def test_the_page_lists_the_holes_that_the_vectors_hold() -> None:
    held = {
        found[0]
        for path in (ROOT / "tests/vectors").rglob("*.txt")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("# class:") and (found := _KNOWN.search(line))
    }
    rows = (ROOT / "docs/inspect.md").read_text("utf-8").splitlines()
    listed = [found[0] for row in rows if (found := _KNOWN.match(row.removeprefix("| ")))]
    assert len(held) > 10
    assert sorted(listed) == sorted(held)
