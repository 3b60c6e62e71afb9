"""Make an entry of what was measured and what a person says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from localai.errors import DocumentError
from localai.formats.datasets.parts import ENDINGS
from localai.gguf.facts import GgufFacts, GgufFile, pinned_by
from localai.hashing import Progress, digest_file, report_nothing
from localai.manifest.filename import find_name_problem, name_of
from localai.manifest.origin import read_source, with_bases
from localai.manifest.schema import Approval, ArtifactFile, Entry, Kind, Source, Use
from localai.shape import TEXT_LIMIT, is_line

_ENDING = re.compile(rf"\.gguf$|(?:-0000[01]-of-\d{{5}})?(?:{'|'.join(map(re.escape, ENDINGS))})$")
_KINDS = {"adapter": Kind.ADAPTER, "mmproj": Kind.PROJECTOR}  # ggml's docs/gguf.md, general.type


class Unknown(StrEnum):
    """What an entry should say, and neither the file nor anybody has said yet."""

    LICENCE = "licence"
    SOURCE = "source"
    REVISION = "revision"


class Stated(NamedTuple):
    """What a person says of an artifact. ``name`` and ``id`` are made from the file where they are
    empty, and licence, source and kind are taken from what it states."""

    use: Use
    licence: str = ""
    source: Source | None = None
    name: str = ""
    id: str = ""
    kind: Kind | None = None
    note: str | None = None
    companions: tuple[str, ...] = ()


class Draft(NamedTuple):
    """An entry that nobody approved. A licence or source that is unknown is None."""

    id: str
    name: str
    kind: Kind
    files: tuple[ArtifactFile, ...]
    gguf: GgufFacts | None
    use: Use
    licence: str | None = None
    source: Source | None = None
    unknown: tuple[Unknown, ...] = ()
    note: str | None = None
    companions: tuple[str, ...] = ()


def name_file(path: Path) -> str:
    """The name that a file has in an entry. Raises DocumentError if no manifest may hold it."""
    name = name_of(path)
    if problem := find_name_problem(name):
        raise DocumentError(f"the file's name {name!r} {problem}", hint="rename the file")
    return name


def name_artifact(given: str, headers: Sequence[GgufFile], file_name: str) -> str:
    """What to call an artifact: as ``given``, else as the file calls itself, else as its file.

    Raises DocumentError if no manifest may hold it.
    """
    name = given or (headers[0].name if headers else "") or file_name
    if is_line(name):
        return name
    what = "the name" if given else "what the file calls itself"
    raise DocumentError(
        f"{what} cannot stand in a manifest: '{name[:60]}'",
        hint=f"--name TEXT, printable characters on one line, {TEXT_LIMIT} at most",
    )


def measure_file(
    fd: int, name: str, size: int, progress: Progress = report_nothing
) -> ArtifactFile:
    """One open file with both its digests, computed over the same bytes.

    Raises DocumentError if it cannot be read or ends early.
    """
    digests = digest_file(fd, size, progress=progress)
    if digests.sha256 is None:
        raise AssertionError("the whole-file digest was asked for")
    return ArtifactFile(name, size, digests.sha256, digests.tree)


def draft_entry(
    files: Sequence[ArtifactFile], headers: Sequence[GgufFile], stated: Stated
) -> Draft:
    """The draft for an artifact: its measured files and their GGUF headers, in order, first part
    first; data has none. What nobody stated is what the file says of itself, and else unknown."""
    first = headers[0] if headers else None
    draft = Draft(
        id=stated.id or name_entry(files[0].name),
        name=name_artifact(stated.name, headers, files[0].name),
        kind=stated.kind or kind_of(headers),
        files=tuple(files),
        gguf=pinned_by(headers) if headers else None,
        use=stated.use,
        licence=first.licence if first and is_line(first.licence) else None,
        source=read_source(first) if first else None,
        note=stated.note,
        companions=stated.companions,
    )
    wanting = [
        Unknown.LICENCE if draft.licence is None else None,
        Unknown.SOURCE if draft.source is None else None,
        None if draft.source and draft.source.revision else Unknown.REVISION,
    ]
    draft = draft._replace(unknown=tuple(one for one in wanting if one))
    source = with_bases(stated.source, first) if first else stated.source
    return answer(draft, stated.licence, source)


def drop_trees(draft: Draft) -> Draft:
    """The draft with what can be compared elsewhere alone. Hubs publish SHA-256, and nobody a tree
    digest; a start would go by that one, and it may be another file's."""
    files = tuple(file._replace(tree=None) for file in draft.files)
    return draft._replace(files=files)


def kind_of(headers: Sequence[GgufFile]) -> Kind:
    """What a file says that it is. Files made before there was a word for it are models; what has
    no header is data."""
    return _KINDS.get(headers[0].text("general.type"), Kind.MODEL) if headers else Kind.DATASET


def answer(draft: Draft, licence: str = "", source: Source | None = None) -> Draft:
    """The draft with what a person says of it. Who names a source without a revision leaves that
    open: then it is not unknown any more."""
    known = {Unknown.LICENCE} if licence else set()
    known |= {Unknown.SOURCE, Unknown.REVISION} if source else set()
    return draft._replace(
        licence=licence or draft.licence,
        source=source or draft.source,
        unknown=tuple(one for one in draft.unknown if one not in known),
    )


def complete(draft: Draft, approval: Approval) -> Entry:
    """The entry that the draft becomes. Raises DocumentError while something is unknown."""
    if draft.unknown or draft.licence is None or draft.source is None:
        raise DocumentError(
            f"{draft.id}: unknown: {', '.join(draft.unknown)}",
            hint="--licence TEXT --source PUBLISHER/REPOSITORY@REVISION",
        )
    return Entry(
        id=draft.id,
        name=draft.name,
        kind=draft.kind,
        licence=draft.licence,
        source=draft.source,
        files=draft.files,
        gguf=draft.gguf,
        approval=approval,
        use=draft.use,
        note=draft.note,
        companions=draft.companions,
    )


def draft_of(entry: Entry) -> Draft:
    """What stands in an entry beside its approval."""
    return Draft(
        id=entry.id,
        name=entry.name,
        kind=entry.kind,
        files=entry.files,
        gguf=entry.gguf,
        use=entry.use,
        licence=entry.licence,
        source=entry.source,
        note=entry.note,
        companions=entry.companions,
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
    stem = _ENDING.sub("", file_name.lower())
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("._-")[:100].rstrip("._-") or "model"
