"""What a finding about a GGUF file looks like."""

from __future__ import annotations

from localai.findings import Finding, Verdict

CHECK = "artifact-format"  # the gate that speaks for all of them at a start
OWN_FILE = "download the model's own GGUF file from its publisher"


def fail(check: str, summary: str, evidence: str, remedy: str = OWN_FILE) -> Finding:
    """A model with this may not be run."""
    return Finding(
        check,
        Verdict.FAIL,
        summary,
        evidence,
        why="only a whole, well-formed language model can be run",
        remedy=remedy,
    )


def note(check: str, summary: str, evidence: str) -> Finding:
    """Worth knowing; the model may be run."""
    return Finding(check, Verdict.NOTE, summary, evidence)
