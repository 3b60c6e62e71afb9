"""Make an entry of what was measured and what a person says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from localai.document import is_clean
from localai.errors import DocumentError
from localai.gguf.facts import GgufFile, pinned_by
from localai.hashing import Progress, digest_file
from localai.manifest.schema import (
    Approval,
    ArtifactFile,
    Entry,
    Kind,
    Source,
    Use,
    find_name_problem,
    name_of,
)
from localai.shape import TEXT_LIMIT


class Terms(NamedTuple):
    """What no file can say of itself: where it is from, under which licence, approved by whom
    and for what. ``name`` and ``id`` are made from the file where they are empty."""

    source: Source
    licence: str
    approval: Approval
    use: Use
    name: str = ""
    id: str = ""
    kind: Kind = Kind.MODEL
    note: str | None = None
    companions: tuple[str, ...] = ()


def name_file(path: Path) -> str:
    """The name that a file has in an entry. Raises DocumentError if no manifest may hold it."""
    name = name_of(path)
    if problem := find_name_problem(name):
        raise DocumentError(f"the file's name {name!r} {problem}", hint="rename the file")
    return name


def name_artifact(given: str, header: GgufFile, file_name: str) -> str:
    """What to call an artifact: as ``given``, else as the file calls itself, else as its file.

    Raises DocumentError if no manifest may hold it.
    """
    name = given or header.name or file_name
    if name.strip() and len(name) <= TEXT_LIMIT and "\n" not in name and is_clean(name):
        return name
    what = "the name" if given else "what the file calls itself"
    raise DocumentError(
        f"{what} cannot stand in a manifest: '{name[:60]}'",
        hint=f"--name TEXT, printable characters on one line, {TEXT_LIMIT} at most",
    )


def measure_file(fd: int, name: str, size: int, progress: Progress | None = None) -> ArtifactFile:
    """One open file with both its digests, computed over the same bytes.

    Raises DocumentError if it cannot be read or ends early.
    """
    digests = digest_file(fd, size, progress=progress)
    if digests.sha256 is None:
        raise AssertionError("the whole-file digest was asked for")
    return ArtifactFile(name, size, digests.sha256, digests.tree)


def draft_entry(files: Sequence[ArtifactFile], headers: Sequence[GgufFile], terms: Terms) -> Entry:
    """The entry for an artifact: its measured files and their GGUF headers, in order, first part
    first."""
    name = name_artifact(terms.name, headers[0], files[0].name)
    return Entry(
        id=terms.id or name_entry(files[0].name),
        name=name,
        kind=terms.kind,
        licence=terms.licence,
        source=terms.source,
        files=tuple(files),
        gguf=pinned_by(headers),
        approval=terms.approval,
        use=terms.use,
        note=terms.note,
        companions=terms.companions,
    )


def approve_again(
    entry: Entry, by: str, today: date, days: int, *, ticket: str | None, alone: bool
) -> Entry:
    """``entry``, approved anew by ``by`` today, to be looked at again after so many days; ``alone``
    means for themselves. An older ticket was about the older decision, and goes."""
    review_by = today + timedelta(days=days)
    return entry._replace(approval=Approval(by, today, review_by, alone, ticket))


def name_entry(file_name: str) -> str:
    """An identifier for an entry, from a file's name: ``Model.Q4_1.gguf``, ``model.q4_1``."""
    stem = file_name.removesuffix(".gguf").lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("._-")[:100].rstrip("._-") or "model"
