"""Steps from one state to the next, and out of the store: a rename each, there or not there."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localai.atomicfile import flush_directory
from localai.errors import StateError, UsageError
from localai.locking import holding, locked, name_holder
from localai.places import make_private
from localai.shape import is_slug
from localai.store.held import Held, read_held
from localai.store.state import INCOMING, State

LOCK = "steps"
"""The lock under which an artifact gets its place: one identifier, one artifact."""


def move(store: Path, held: Held, state: State) -> Held:
    """Let an artifact take a step, in one rename: it lies here or there.

    The caller keeps it (:func:`keeping`) from before it looks at it. Raises StateError.
    """
    with acting(f"move {held.id}"):
        return put(store, held.directory, held.id, state)


def remove(held: Held) -> int:
    """Take an artifact out of the store and return how many bytes that frees.

    A model that runs goes on: its bytes are in memory, or its file is open (unlink(2)). Raises
    StateError.
    """
    with keeping(held) as place, acting(f"remove {held.id}"):
        gone = place / os.urandom(6).hex()
        held.directory.rename(gone)  # at once, and not file by file
        flush_directory(held.directory.parent)
        return delete(gone)


def put(store: Path, directory: Path, artifact: str, state: State) -> Held:
    """Give a directory its place in the store, if no other artifact has that identifier."""
    target = make_private(store / state) / artifact
    flush_directory(directory)
    with locked(store, LOCK):
        refuse_taken(store, artifact, but=directory)
        directory.rename(target)
    flush_directory(target.parent)
    flush_directory(directory.parent)
    return read_held(store, state, artifact)


def refuse_name(store: Path, artifact: str) -> None:
    """Raise UsageError if nothing new can have this identifier: it is none, or it is taken."""
    if not is_slug(artifact):
        raise UsageError(
            f"{artifact!r} is no identifier", hint="lower-case letters, digits, '.', '_' and '-'"
        )
    refuse_taken(store, artifact)


def refuse_taken(store: Path, artifact: str, but: Path | None = None) -> None:
    """Raise UsageError if anything but ``but`` has this identifier."""
    places = (store / state / artifact for state in State)
    if any(os.path.lexists(place) for place in places if place != but):
        raise UsageError(
            f"{artifact} is in the store already",
            hint=f"--id gives it another name; or first: localai store remove {artifact}",
        )


def delete(path: Path) -> int:
    """Delete a file or a directory with all that is in it, and return how many bytes that frees."""
    inside = [path, *path.rglob("*")] if path.is_dir() else [path]
    found = (one.lstat() for one in inside)
    freed = sum(one.st_size for one in found if stat.S_ISREG(one.st_mode) and one.st_nlink == 1)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return freed


@contextmanager
def keeping(held: Held) -> Iterator[Path]:
    """Keep every other command from an artifact; the value is a directory for what becomes of it
    meanwhile.

    The lock lies in ``incoming``, which nobody else may enter: whoever may read an artifact could
    hold a lock of its own directory. Raises StateError if another command is at work on it, or
    moved it since it was looked at.
    """
    place = make_private(make_private(held.store / INCOMING) / f"step.{held.id}")
    with alone(place):
        try:
            if not os.path.lexists(held.directory):
                raise StateError(
                    f"another command moved {held.directory}", hint="localai store list"
                )
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep every other command from a directory. Raises StateError if one is at work on it."""
    with holding(directory) as held:
        if not held:
            raise StateError(
                f"another command is at work on {directory}",
                hint=f"wait until it has ended: {name_holder(directory)}",
            )
        yield


@contextmanager
def acting(what: str) -> Iterator[None]:
    """Raise StateError for what the file system cannot do."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"cannot {what}: {error.strerror}",
            hint="df -h shows whether the disk is full, ls -la whose the files are",
        ) from error
