"""Say what the artifacts of a start are: seal their copies, or hash them where they lie, and find
their entries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from localai.errors import LocalAIError
from localai.hashing import Digests, Progress, count_from, digest_file, report_nothing
from localai.plan.matching import Match, agree, candidates, find_matches
from localai.sealing import OpenFile, seal

if TYPE_CHECKING:
    from localai.artifact import OpenArtifact
    from localai.copying import Copying
    from localai.manifest.verify import LoadedManifest


def seal_artifacts(
    opened: Sequence[OpenArtifact],
    copying: Copying,
    manifests: Sequence[LoadedManifest],
    report: Progress = report_nothing,
) -> None:
    """Wait until every file is in its vessel, or hashed where it is to be loaded from, seal the
    vessels, and find the entries.

    The outcome is in each ``OpenArtifact.artifact``; what ends the copy, in the model's.
    """
    try:
        copied = copying.wait(report)
        for one in opened:
            for vessel in one.vessels:
                if vessel is not None:
                    seal(vessel)
    except LocalAIError as error:
        opened[0].give_up(error)
        return
    trees, seconds = iter(copied.trees), iter(copied.seconds)
    for one in opened:
        # From here on these are what counts: nobody can change them any more.
        loaded = one.loaded
        taken = sum(islice(seconds, len(loaded)))
        one.artifact = one.artifact._replace(
            sealed=not one.read_only, read_only=one.read_only, seconds=taken
        )
        known = list(islice(trees, len(loaded)))
        _find_entry(one, loaded, known, _model_first(manifests, opened), report_nothing)


def hash_artifacts(
    opened: Sequence[OpenArtifact],
    manifests: Sequence[LoadedManifest],
    report: Progress = report_nothing,
) -> None:
    """Hash every file where it lies and find the entries: for a start that is refused already."""
    done = 0
    for one in opened:
        started = time.perf_counter()
        known = [None] * len(one.files)
        progress = count_from(done, report)
        _find_entry(one, one.files, known, _model_first(manifests, opened), progress)
        one.artifact = one.artifact._replace(seconds=time.perf_counter() - started)
        done += sum(one.sizes)


def _model_first(
    manifests: Sequence[LoadedManifest], opened: Sequence[OpenArtifact]
) -> list[LoadedManifest]:
    """Of several manifests that approve the same companion, the one that approves the model."""
    return sorted(manifests, key=lambda loaded: loaded.name != opened[0].artifact.manifest)


def _find_entry(
    opened: OpenArtifact,
    files: Sequence[OpenFile],
    trees: Sequence[str | None],
    manifests: Sequence[LoadedManifest],
    report: Progress,
) -> None:
    if not files:
        return  # it could not be opened, and says so
    try:
        _identify(opened, files, trees, manifests, report)
    except LocalAIError as error:
        opened.give_up(error)


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
