"""What a finding about a GGUF file looks like."""

from __future__ import annotations

from localai.findings import Finding, Verdict

CHECK = "artifact-format"
OWN_FILE = "download the model's own GGUF file from its publisher"


def fail(summary: str, evidence: str, remedy: str = OWN_FILE) -> Finding:
    """A model with this may not be run."""
    return Finding(
        CHECK,
        Verdict.FAIL,
        summary,
        evidence,
        why="only a whole, well-formed language model can be run",
        remedy=remedy,
    )


def note(summary: str, evidence: str) -> Finding:
    """Worth knowing; the model may be run."""
    return Finding(CHECK, Verdict.NOTE, summary, evidence)
