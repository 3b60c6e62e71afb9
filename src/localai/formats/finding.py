"""What a finding about a file that is no GGUF looks like."""

from __future__ import annotations

from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.format import Format

FILE_TYPE = "file-type"
SAFETENSORS = "safetensors"
DATASET = "dataset"


def refuse(found: Format) -> Finding:
    """This kind of file is not opened at all."""
    return Finding(FILE_TYPE, Verdict.FAIL, "refused", found.name, found.why, found.remedy)


def unsound(check: str, name: str, error: DocumentError) -> Finding:
    """The reader of its kind refuses this file."""
    return Finding(
        check,
        Verdict.FAIL,
        f"not a sound {name} file",
        error.message,
        why="a file that two programs may read as two things is neither weights nor data",
        remedy=error.hint,
    )


def note(check: str, summary: str, evidence: str) -> Finding:
    """Worth knowing."""
    return Finding(check, Verdict.NOTE, summary, evidence)
