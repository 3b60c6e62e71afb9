"""What arrives: nothing of an artifact is in the store before all of it is."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.errors import DocumentError, StateError
from localai.hardware import show_bytes
from localai.hashing import digest_file
from localai.locking import holding
from localai.manifest.schema import ArtifactFile
from localai.places import make_private
from localai.sealing import open_regular
from localai.store.access import find_keepers, find_modes
from localai.store.check import is_at_rest
from localai.store.held import Held, list_children, list_held
from localai.store.origin import NAME, Origin, parse_origin, write_origin
from localai.store.state import INCOMING, State
from localai.store.steps import acting, alone, delete, put, refuse_name

RESERVE = 256 << 20
"""Bytes of the disk that nothing may fill which arrives."""


class Cleared(NamedTuple):
    """What became of the leftovers: bytes that are free now, and the names of what is in use."""

    freed: int
    busy: tuple[str, ...]


@contextmanager
def arriving(store: Path, name: str) -> Iterator[Path]:
    """A directory in which something can arrive, on the store's own file system, kept from every
    other command meanwhile. What a broken arrival of this name left is still in it; it stays
    until somebody takes it away or clears the store.

    Raises StateError if another command brings the same.
    """
    directory = store / INCOMING / name
    for one in (store.parent, store, store / INCOMING, directory):
        make_private(one)
    with alone(directory):
        yield directory


def check_room(place: Path, needed: int) -> None:
    """See that so many bytes more can arrive in ``place``. Raises StateError."""
    with acting(f"write in {place}"):
        free = shutil.disk_usage(place).free
    if needed + RESERVE > free:
        raise StateError(
            f"not enough room in {place.parent}: {show_bytes(needed)} are still to come, "
            f"{show_bytes(free)} are free, and {show_bytes(RESERVE)} must stay free",
            hint="localai store gc, localai store remove NAME, or a larger disk",
        )


def admit(
    store: Path,
    artifact: str,
    origin: Origin,
    arrived: Sequence[Path],
    *,
    state: State = State.QUARANTINE,
) -> Held:
    """Take in files that arrived whole, in the order of ``origin.files``.

    They lie where :func:`arriving` says, and stay there for the caller to remove; their digests
    were computed by the caller over what lies there. All of the artifact is in the store
    afterwards, or nothing.

    Raises UsageError if the identifier is taken or is none, DocumentError if the origin is none
    (file names that are not safe, say), StateError.
    """
    refuse_name(store, artifact)
    raw = write_origin(origin)
    parse_origin(raw)  # names that lead elsewhere, and what nobody could read back
    known = list_held(store)
    with arriving(store, f"{artifact}.{os.urandom(6).hex()}") as beside:
        try:
            with acting(f"take {artifact} into {store}"):
                modes = find_modes(store)
                for file, path in zip(origin.files, arrived, strict=True):
                    _take(store, known, file, path, beside / file.name, modes.file)
                write_whole(beside / NAME, raw, mode=modes.file)
                beside.chmod(modes.directory)
                return put(store, beside, artifact, state)
        finally:
            shutil.rmtree(beside, ignore_errors=True)  # by now it has another name, or is no use


def clear(store: Path) -> Cleared:
    """Clear away what broken arrivals and removals left, and nothing that is under way.

    Raises StateError.
    """
    freed, busy, incoming = 0, list[str](), store / INCOMING
    if incoming.is_symlink():
        raise StateError(
            f"{incoming} is a link: what lies there is not cleared away", hint=f"ls -la {store}"
        )
    with acting(f"clear {incoming}"):
        for path in list_children(incoming):
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                path.unlink()
                continue
            with holding(path) as held:
                if held:
                    freed += delete(path)
                elif os.path.lexists(path):
                    busy.append(path.name)
    return Cleared(freed, tuple(busy))


def _take(
    store: Path,
    known: Sequence[Held],
    file: ArtifactFile,
    path: Path,
    target: Path,
    mode: int,
) -> None:
    """Give ``path`` the name ``target``, or its twin in the store, so that they lie there once."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
        raise StateError(f"{path} is not the file that arrived", hint="bring it again")
    for twin in _find_twins(known, file):
        if _is_still(twin, file, find_keepers(store)):
            try:
                os.link(twin, target)
            except OSError:
                continue  # removed meanwhile, or another account's
            return
    _flush(path)
    os.link(path, target)
    target.chmod(mode)


def _find_twins(known: Sequence[Held], file: ArtifactFile) -> Iterator[Path]:
    for held in known:
        for one, path in zip(held.origin.files if held.origin else (), held.paths, strict=True):
            if (one.sha256, one.size) == (file.sha256, file.size):
                yield path


def _is_still(path: Path, file: ArtifactFile, keepers: Collection[int]) -> bool:
    """True if ``path`` is what the digest names, whatever was written down about it, and what is
    linked to it will not be somebody else's to change."""
    try:
        opened = open_regular(path)
        try:
            if not is_at_rest(opened.fd, keepers):
                return False
            found = digest_file(opened.fd, opened.size, tree=False)
        finally:
            os.close(opened.fd)
    except DocumentError:
        return False
    return (found.size, found.sha256) == (file.size, file.sha256)


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
