"""Look at a file, whatever it is: facts and findings, and digests where it is worth hashing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from localai.artifact import open_parts
from localai.findings import Verdict
from localai.hashing import Progress, digest_file, report_nothing
from localai.inspection.model import inspect_model
from localai.inspection.types import InspectedFile, Inspection
from localai.sealing import OpenFile

_UNSOUND = "not computed: the file is no sound one"


def inspect_path(
    path: Path, *, context: int, digests: bool = True, progress: Progress = report_nothing
) -> Inspection:
    """What there is to say about ``path``; of a split set all parts are one model.

    ``context`` is the number of tokens that memory is reckoned for. Raises DocumentError if it
    cannot be read at all.
    """
    files = open_parts(path)
    try:
        found = inspect_model(path, files, context)
        if any(finding.verdict is Verdict.FAIL for finding in found.findings):
            return found._replace(unhashed=_UNSOUND)
        return found._replace(files=_measure(files, progress)) if digests else found
    finally:
        for file in files:
            os.close(file.fd)


def _measure(files: Sequence[OpenFile], progress: Progress) -> tuple[InspectedFile, ...]:
    measured, before = list[InspectedFile](), 0
    for file in files:

        def report(done: int, before: int = before) -> None:
            progress(before + done)

        digests = digest_file(file.fd, file.size, progress=report)
        measured.append(InspectedFile(file.path.name, file.size, digests.sha256, digests.tree))
        before += file.size
    return tuple(measured)
