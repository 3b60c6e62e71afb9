"""What is found in a template, before it is put into findings."""

from __future__ import annotations

from typing import NamedTuple

from localai.findings import Verdict

SHOWN = 60  # characters of a stranger's text in one place of a finding


class Flaw(NamedTuple):
    """One place in a template: ``line`` from 1, 0 for the template as a whole."""

    verdict: Verdict
    summary: str
    line: int
    shown: str


def fail(summary: str, line: int, shown: str) -> Flaw:
    """No honest template does this."""
    return Flaw(Verdict.FAIL, summary, line, quote(shown))


def note(summary: str, line: int, shown: str) -> Flaw:
    """An honest template may do this; whoever approves it should know."""
    return Flaw(Verdict.NOTE, summary, line, quote(shown))


def quote(text: str) -> str:
    """The text on one line, printable and ASCII, cut to ``SHOWN`` characters."""
    safe = text[: SHOWN + 1].encode("ascii", "backslashreplace").decode()
    safe = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in safe)
    return safe if len(safe) <= SHOWN else safe[: SHOWN - 3] + "..."
