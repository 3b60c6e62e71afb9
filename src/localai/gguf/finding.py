"""What a finding about a GGUF file looks like."""

from __future__ import annotations

from collections.abc import Sequence

from localai.errors import DocumentError
from localai.findings import Finding, Verdict

_MOST = 3  # texts that are shown
_LONGEST = 80  # characters of a text that is shown
OWN_FILE = "download the model's own GGUF file from its publisher"


def fail(check: str, summary: str, evidence: str, remedy: str = OWN_FILE) -> Finding:
    """A model with this cannot be run as it is."""
    why = "only a whole, well-formed language model can be run"
    return Finding(check, Verdict.FAIL, summary, evidence, why, remedy)


def expose(check: str, summary: str, evidence: str) -> Finding:
    """A model with this could be run, and deceives a person or another program."""
    why = "what hides or imitates something is not what it seems"
    return Finding(check, Verdict.FAIL, summary, evidence, why, OWN_FILE)


def unsound(name: str, error: DocumentError) -> Finding:
    """The reader refuses the file of this name."""
    why = "nothing native may see a file that the reader refuses"
    evidence = f"{name}: {error.message}"
    return Finding("gguf-header", Verdict.FAIL, "not a sound GGUF file", evidence, why, error.hint)


def note(check: str, summary: str, evidence: str) -> Finding:
    """Worth knowing; the model may be run."""
    return Finding(check, Verdict.NOTE, summary, evidence)


def name_some(texts: Sequence[str]) -> str:
    """The first few of ``texts``, spelled so that nothing in them can deceive, and how many more
    there are."""
    cut = [f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text for text in texts[:_MOST]]
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return ", ".join(map(ascii, cut)) + more
