"""Look at a file, whatever it is: facts and findings, and digests where it is worth hashing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from localai.formats.format import Kind
from localai.formats.recognise import recognise
from localai.hashing import Progress, count_from, digest_file, is_hollow, report_nothing
from localai.inspection.data import inspect_data, open_files
from localai.inspection.model import inspect_model
from localai.inspection.types import InspectedFile, Inspection
from localai.sealing import OpenFile

# Findings that the file is not what it says: its bytes may be ten terabytes of nothing. Whatever
# else is wrong, a person may want to look the digest up.
_STRUCTURAL = frozenset({"gguf-header", "gguf-layout", "gguf-set", "safetensors", "dataset"})


def inspect_path(
    path: Path, *, context: int, hashed: bool = True, progress: Progress = report_nothing
) -> Inspection:
    """What there is to say about ``path``; of a split set all parts are one model.

    ``context`` is the number of tokens that memory is reckoned for. With ``hashed`` both digests
    of every file are computed, unless it is unsound or hollow. Raises DocumentError if it cannot
    be read at all.
    """
    files = open_files(path)
    try:
        found = _inspect(path, files, context)
        if reason := _why_not_to_hash(found, files):
            return found._replace(unhashed=f"not computed: {reason}")
        return found._replace(files=_measure(files, progress)) if hashed else found
    finally:
        for file in files:
            os.close(file.fd)


def _inspect(path: Path, files: Sequence[OpenFile], context: int) -> Inspection:
    first = files[0]
    if recognise(first.fd, first.size, first.path.name).kind is Kind.GGUF:
        return inspect_model(path, files, context)
    return inspect_data(path, files)


def _why_not_to_hash(found: Inspection, files: Sequence[OpenFile]) -> str:
    if any(finding.check in _STRUCTURAL for finding in found.failures):
        return "the file is not sound"
    blocks = sum(os.fstat(file.fd).st_blocks for file in files)
    hollow = is_hollow(sum(file.size for file in files), blocks)
    return "nearly all of the file is holes" if hollow else ""


def _measure(files: Sequence[OpenFile], progress: Progress) -> tuple[InspectedFile, ...]:
    measured, before = list[InspectedFile](), 0
    for file in files:
        digests = digest_file(file.fd, file.size, progress=count_from(before, progress))
        measured.append(InspectedFile(file.path.name, file.size, digests.sha256, digests.tree))
        before += file.size
    return tuple(measured)
