"""The artifact at a start: open it, read its header, copy it into sealed memory, find its entry."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localai.errors import DocumentError, LocalAIError
from localai.findings import Finding
from localai.gguf.check import check_structure
from localai.gguf.facts import GgufFile, pinned_by
from localai.gguf.finding import unsound
from localai.gguf.memory import inference_bytes
from localai.gguf.reader import read_gguf
from localai.gguf.sets import name_parts
from localai.gguf.statements import read_statements
from localai.hardware import file_size_limit, find_free_memory
from localai.hashing import Digests, Progress, digest_file, report_nothing
from localai.plan.facts import Artifact, Resources
from localai.plan.matching import Match, agree, candidates, find_matches
from localai.sealing import RESERVE, OpenFile, make_vessel, open_regular, seal
from localai.store.state import Place, find_place
from localai.worker.protocol import DEFAULT_CONTEXT

if TYPE_CHECKING:
    from localai.copying import Copying
    from localai.manifest.verify import LoadedManifest


class OpenArtifact:
    """The files of one artifact, opened, and what their headers say.

    ``artifact`` carries everything that went wrong; a problem there means nothing may be loaded.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.files: list[OpenFile] = []
        self.headers: list[GgufFile] = []
        self.vessels: list[int] = []

    @property
    def sizes(self) -> list[int]:
        return [file.size for file in self.files]

    def close(self) -> None:
        """Close every descriptor."""
        for descriptor in (*(file.fd for file in self.files), *self.vessels):
            os.close(descriptor)
        self.files, self.vessels = [], []


def open_artifact(path: Path, store: Path | None = None) -> OpenArtifact:
    """Open ``path`` and, of a split set, all its parts, and read every header; find out where in
    ``store`` they lie, if it is given.

    Never raises for what is wrong with a file: that is a finding.
    """
    opened = OpenArtifact(Artifact(str(path), path.name))
    try:
        opened.files = open_parts(path)
    except DocumentError as error:
        opened.artifact = opened.artifact._replace(problem=error.message, remedy=error.hint)
        return opened
    opened.artifact = opened.artifact._replace(
        size=sum(opened.sizes), place=_find_place(opened.files, store) if store else None
    )
    opened.artifact = opened.artifact._replace(format=_read_headers(opened))
    if opened.headers:
        name = opened.headers[0].name or path.name
        opened.artifact = opened.artifact._replace(name=name)
    if opened.headers and len(opened.headers) == len(opened.files):
        held, said = pinned_by(opened.headers), read_statements(opened.headers)
        opened.artifact = opened.artifact._replace(held=held, said=said)
    return opened


def open_parts(path: Path) -> list[OpenFile]:
    """Open ``path`` and, if it is the first file of a split set, the others, in order.

    Raises DocumentError if one of them is missing or no readable, non-empty regular file.
    """
    parts = name_parts(path)
    missing = [part.name for part in parts[1:] if not os.path.lexists(part)]
    if missing:
        raise DocumentError(
            f"{len(missing)} of {len(parts)} parts are missing: {', '.join(missing)}",
            hint=f"download them into {path.parent.absolute()}",
        )
    opened: list[OpenFile] = []
    try:
        for part in parts:
            opened.append(open_regular(part))
    except DocumentError:
        for file in opened:
            os.close(file.fd)
        raise
    return opened


def _find_place(files: Sequence[OpenFile], store: Path) -> Place:
    """One file that waits, and the whole artifact does."""
    places = [find_place(file.fd, store) for file in files]
    return next((place for place in places if place.waits), places[0])


def _read_headers(opened: OpenArtifact) -> tuple[Finding, ...]:
    for file in opened.files:
        try:
            header = read_gguf(file.fd, file.size, opened.headers)
        except DocumentError as error:
            return (unsound(file.path.name, error),)
        opened.headers.append(header)
    return check_structure(opened.headers)


def measure_resources(opened: OpenArtifact, context: int | None) -> tuple[Resources, bool]:
    """What the start needs and what is free, and whether there is room to let llama.cpp copy
    weights into a faster layout (``EngineOptions.repack``)."""
    free = find_free_memory()
    limit = file_size_limit()
    largest = max(opened.sizes, default=0)
    if limit is not None and largest > limit:
        return Resources(largest, limit, "RLIMIT_FSIZE", remedy="ulimit -f unlimited"), False
    wanted = context or DEFAULT_CONTEXT

    def needed(*, repack: bool) -> int:
        beside = RESERVE  # below that the copy would stop half-way
        if opened.headers:
            beside = max(beside, inference_bytes(opened.headers, wanted, repack=repack))
        return sum(opened.sizes) + beside

    repack = needed(repack=True) <= free.bytes
    return Resources(needed(repack=repack), free.bytes, free.limited_by), repack


def make_vessels(opened: OpenArtifact) -> None:
    """One empty sealable file in memory for each file. The process must be hidden already."""
    count = len(opened.files)
    opened.vessels = [make_vessel(f"localai-{number}-of-{count}") for number in range(1, count + 1)]


def seal_artifact(
    opened: OpenArtifact,
    copying: Copying,
    manifests: Sequence[LoadedManifest],
    report: Progress = report_nothing,
) -> None:
    """Wait until every file is in its vessel, seal them all, and find the entry.

    The outcome is in ``opened.artifact``.
    """
    try:
        copied = copying.wait(report)
        for vessel in opened.vessels:
            seal(vessel)
        # From here on the copies are what counts: nobody can change them any more.
        sealed = [OpenFile(file.path, vessel, file.size)
                  for file, vessel in zip(opened.files, opened.vessels, strict=True)]  # fmt: skip
        _identify(opened, sealed, copied.trees, manifests, report_nothing)
    except LocalAIError as error:
        opened.artifact = opened.artifact._replace(problem=error.message, remedy=error.hint)
        return
    opened.artifact = opened.artifact._replace(sealed=True, seconds=copied.seconds)


def hash_artifact(
    opened: OpenArtifact, manifests: Sequence[LoadedManifest], report: Progress = report_nothing
) -> None:
    """Hash every file where it lies and find the entry: for a start that is refused already."""
    started = time.perf_counter()
    try:
        _identify(opened, opened.files, [None] * len(opened.files), manifests, report)
    except LocalAIError as error:
        opened.artifact = opened.artifact._replace(problem=error.message, remedy=error.hint)
        return
    opened.artifact = opened.artifact._replace(seconds=time.perf_counter() - started)


def _identify(
    opened: OpenArtifact,
    files: Sequence[OpenFile],
    trees: Sequence[str | None],
    manifests: Sequence[LoadedManifest],
    report: Progress,
) -> None:
    """Find the entry of ``files`` by digests: their ``trees`` where they are known already."""
    found: list[tuple[Match, ...]] = []
    shown: list[str] = []
    done = 0

    def report_sum(part: int) -> None:
        report(done + part)

    for file, known in zip(files, trees, strict=True):
        possible = candidates(manifests, file.size)
        # The tree digest decides where the entry has one: cores share it. Without any entry
        # to compare with, SHA-256 is what an officer can look up.
        tree = any(match.file.tree for match in possible)
        whole = not tree or any(not match.file.tree for match in possible)
        missing = digest_file(
            file.fd, file.size, tree=tree and not known, whole=whole, progress=report_sum
        )
        digests = missing._replace(tree=(known or missing.tree) if tree else None)
        done += file.size
        found.append(find_matches(possible, sha256=digests.sha256, tree=digests.tree))
        shown.append(_name_digest(digests))
    match = agree(found)
    opened.artifact = opened.artifact._replace(
        digests=tuple(shown),
        entry=match.entry if match else None,
        manifest=match.manifest.name if match else "",
        name=match.entry.name if match else opened.artifact.name,
    )


def _name_digest(digests: Digests) -> str:
    return f"tree-sha256:{digests.tree}" if digests.tree else f"sha256:{digests.sha256}"
