"""Take an imported bundle in: its files into what is arriving, hashed as they are written, and
once all of them are right, everything to where it counts."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path

from localai.bundle.contents import Artifact, Contents, Index, Member, write_index
from localai.bundle.judging import Judged, Rules, judge
from localai.bundle.reading import look_at
from localai.bundle.room import write_directly
from localai.bundle.source import Source
from localai.bundle.stream import pass_through
from localai.errors import StateError
from localai.findings import refused
from localai.hashing import Progress, count_from
from localai.locking import locked_folder
from localai.manifest import intake, revocation
from localai.manifest.chain import put_in_force, read_trusted
from localai.manifest.change import changing
from localai.manifest.envelope import MANIFEST_TYPE
from localai.manifest.folders import imported_directory
from localai.manifest.load import load_manifests, revocation_file
from localai.manifest.schema import ArtifactFile
from localai.places import Places, make_private
from localai.store.arrival import admit, arriving, check_room
from localai.store.held import list_named
from localai.store.state import State
from localai.store.steps import acting, delete


def find_new(store: Path, artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """The artifacts that the store does not have. Raises StateError."""
    return tuple(one for one in artifacts if not list_named(store, one.id))


@contextmanager
def receiving(store: Path, index: Index) -> Iterator[Path]:
    """Where the files of this bundle arrive; what an earlier import of it brought is there. It is
    gone afterwards if nothing went wrong. Raises StateError."""
    name = f"bundle.{sha256(write_index(index)).hexdigest()}"
    with arriving(store, name) as directory:
        yield directory
        with acting(f"clear {directory}"):
            delete(directory)


def check_missing(directory: Path, files: Collection[ArtifactFile]) -> None:
    """See that what is still missing of ``files`` fits. Raises StateError."""
    with acting(f"write in {directory}"):
        arrived = sum(one.stat().st_size for one in directory.iterdir())
    check_room(directory, sum(one.size for one in files) - arrived)


def take(
    directory: Path,
    wanted: Collection[str],
    source: Source,
    member: Member,
    progress: Progress,
) -> str:
    """Take one file out of a bundle, and return its SHA-256. What is not wanted is hashed only.

    Of a file that began to arrive before, the beginning is hashed where it lies. Raises StateError
    if that was damaged, or if it cannot be written.
    """
    if member.sha256 not in wanted:
        return look_at(source, member, progress)
    path = directory / member.sha256
    with acting(f"write {path}"):
        fd = _open(path, member.size)
        try:
            arrived = os.fstat(fd).st_size
            found = _go_on(fd, path, arrived, source, member, progress)
        finally:
            os.close(fd)
        if found != member.sha256:
            path.unlink()
    if found != member.sha256 and arrived:
        raise StateError(
            f"{path} was damaged after an earlier import broke off, and was removed",
            hint="run this command again",
        )
    return found


def _open(path: Path, size: int) -> int:
    """Open a file that arrives, cut to its size if it is longer. What arrived whole is not opened
    for writing: it may lie in the store already. Raises OSError."""
    arrived = path.lstat().st_size if os.path.lexists(path) else 0
    access = os.O_RDONLY if arrived == size else os.O_RDWR | os.O_CREAT
    fd = os.open(path, access | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if arrived > size:
        os.ftruncate(fd, size)
    return fd


def _go_on(
    fd: int, path: Path, arrived: int, source: Source, member: Member, progress: Progress
) -> str:
    digest, own = sha256(), Source(fd, path)
    pass_through(arrived, own.read_into, len, progress, digest)
    source.skip(arrived)
    write, report = partial(write_directly, fd), count_from(arrived, progress)
    return pass_through(member.size - arrived, source.read_into, write, report, digest)


def take_in(
    places: Places,
    today: date,
    contents: Contents,
    directory: Path,
    new: Sequence[Artifact],
    *,
    self_approval: bool,
) -> Judged:
    """Put everything that arrived whole where it counts, and return how it was judged: anew, while
    no other command can change what counts here. Cut short anywhere, the same import does the rest.

    Nothing is put anywhere if it is refused now. Raises StateError, UsageError.
    """
    missing = find_new(places.store, new)  # what another import brought meanwhile is judged, too
    own = make_private(imported_directory(places))
    with _keeping_root(places), changing(own):
        judged = judge(contents, places, today, self_approval=self_approval)
        if refused(judged.findings):
            return judged
        if not places.administered:
            _follow(places, judged.rules)
        root = judged.rules.trust.root
        assert root is not None  # else a finding refuses
        for one, signed in zip(judged.manifests, contents.manifests, strict=True):
            intake.put(one.path, *signed, MANIFEST_TYPE, intake.role_of(one.verification, root))
    load_manifests(places, today)  # the versions are seen now: none before them counts again
    for artifact in missing:
        files = tuple(one._replace(tree=None) for one in artifact.origin.files)  # not measured
        origin = artifact.origin._replace(arrived=today, files=files)
        arrived = [directory / one.sha256 for one in files]
        admit(places.store, artifact.id, origin, arrived, state=State.APPROVED)
    return judged


def _keeping_root(places: Places) -> AbstractContextManager[None]:
    """Keep other commands from changing this account's root of trust, and what is revoked."""
    return nullcontext() if places.administered else locked_folder(places.root.parent)


def _follow(places: Places, rules: Rules) -> None:
    """The newer root of trust, and the newer list of what is revoked."""
    if rules.walked and rules.walked.accepted:
        put_in_force(places, read_trusted(places), rules.walked.accepted)
    if rules.listed:
        role = rules.trust.root.revocation if rules.trust.root else None
        assert role is not None  # it signed the list
        intake.put(revocation_file(places), *rules.listed, revocation.TYPE, role)
