"""Run a Python file where the engine would stand: for whoever wants to try the sandbox."""

from __future__ import annotations

import os
import sys

from localai.worker.descriptors import ERRORS


def run(descriptor: int, name: str) -> None:
    """Run the source in ``descriptor`` as ``__main__``. What it prints goes the way of errors:
    that pipe is the only one whose other end shows what comes. ``name`` is for tracebacks."""
    sys.stdout = sys.stderr = os.fdopen(ERRORS, "w", buffering=1, encoding="utf-8",
                                        errors="backslashreplace", closefd=False)  # fmt: skip
    source = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    exec(compile(source, name, "exec"), {"__name__": "__main__"})  # noqa: S102 - the point
