"""Find the files that an audit is about, and which of them have to be hashed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from localai.audit.cache import Key, Known, key_of
from localai.audit.kinds import name_model
from localai.audit.measure import Task
from localai.audit.walk import Seen, Unseen, walk
from localai.errors import DocumentError
from localai.manifest.filename import name_of
from localai.manifest.verify import LoadedManifest
from localai.sealing import open_regular

LISTED = "listed by its name"
"""The kind of a file that is no model, and has a name that a manifest lists: a dataset, say."""


class Candidate(NamedTuple):
    """A model, what passes for one, or a file of a name that a manifest lists."""

    path: Path
    key: Key
    kind: str


class Listed(NamedTuple):
    """What manifests list: names of files, and the sizes of those that have a tree digest, by
    which a start would go."""

    names: frozenset[str]
    trees: frozenset[int]


class Survey(NamedTuple):
    """What was found below the folders, and what of it is to be hashed: each inode once."""

    candidates: tuple[Candidate, ...]
    tasks: tuple[Task, ...]
    unseen: tuple[Unseen, ...]

    @property
    def size(self) -> int:
        """Bytes to hash."""
        return sum(task.key.size for task in self.tasks)


def read_listed(manifests: Sequence[LoadedManifest]) -> Listed:
    """What an audit asks of the manifests before it knows a digest."""
    files = [
        file
        for loaded in manifests
        if loaded.verification.manifest
        for entry in loaded.verification.manifest.entries
        for file in entry.files
    ]
    return Listed(
        frozenset(file.name for file in files), frozenset(file.size for file in files if file.tree)
    )


def survey(
    folders: Sequence[Path], skip: Collection[Path], listed: Listed, known: Mapping[Key, Known]
) -> Survey:
    """Look through the folders. A file that ``known`` has is not opened, unless a tree digest is
    wanted that it has not. A file that is gone before it can be opened is no file of this host."""
    candidates, tasks, unseen = list[Candidate](), dict[Key, Task](), list[Unseen]()
    for found in walk(folders, skip):
        if isinstance(found, Unseen):
            unseen.append(found)
            continue
        key = key_of(found.status)
        tree = key.size in listed.trees
        hit = known.get(key)
        kind = hit.kind if hit else _recognise(found, listed)
        if isinstance(kind, Unseen):
            unseen.append(kind)
        elif kind:
            candidates.append(Candidate(found.path, key, kind))
            if not hit or (tree and not hit.tree):
                tasks.setdefault(key, Task(found.path, key, tree))
    return Survey(tuple(candidates), tuple(tasks.values()), tuple(unseen))


def _recognise(found: Seen, listed: Listed) -> str | Unseen | None:
    """The kind; None: nothing that an audit is about."""
    name = name_of(found.path)
    try:
        file = open_regular(found.path)
        try:
            kind = name_model(file.fd, file.size, name)
        finally:
            os.close(file.fd)
    except DocumentError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        return Unseen(found.path, error.message, error.hint)
    return kind or (LISTED if name in listed.names else None)
