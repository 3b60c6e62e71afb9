"""A moment, and programs that stand in for those that would change the host."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)  # a Wednesday


def stand_in(path: Path, script: str) -> str:
    """A program of ours in the place of one that would change the host."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)
