"""What is in the store: read, never written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from localai.errors import DocumentError, StateError, UsageError
from localai.smallfile import read_small
from localai.store.access import list_states
from localai.store.origin import LIMIT, NAME, Origin, parse_origin
from localai.store.state import State


class Held(NamedTuple):
    """An artifact in the store. ``origin`` is None if it cannot be read; ``problem`` says why."""

    id: str
    state: State
    directory: Path
    origin: Origin | None
    problem: str = ""

    @property
    def store(self) -> Path:
        """The store that it lies in."""
        return self.directory.parent.parent

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files, in order, the first one to be named in a command."""
        return (
            tuple(self.directory / file.name for file in self.origin.files) if self.origin else ()
        )


def list_held(store: Path) -> tuple[Held, ...]:
    """All artifacts in the store that this account may look at, by state and identifier; none if
    there is no store yet.

    Raises StateError if a directory of it cannot be read.
    """
    states = list_states(store)
    return tuple(
        read_held(store, state, name) for state in states for name in _names(store / state)
    )


def list_named(store: Path, artifact: str) -> tuple[Held, ...]:
    """The artifact of this identifier, or nothing; more than one only if somebody put it there."""
    return tuple(
        read_held(store, state, artifact)
        for state in list_states(store)
        if artifact in _names(store / state)
    )


def find_held(store: Path, artifact: str) -> Held:
    """The artifact of this identifier. Raises UsageError if there is none."""
    return find_among([store], artifact)


def find_among(stores: Sequence[Path], artifact: str) -> Held:
    """The artifact of this identifier in the first of these stores that has it. Raises UsageError
    if none does."""
    if found := [one for store in stores for one in list_named(store, artifact)]:
        return found[0]
    raise UsageError(f"there is no {artifact} in the store", hint="localai store list")


def read_held(store: Path, state: State, name: str) -> Held:
    """The artifact ``name`` in the directory of this state."""
    directory = store / state / name
    try:
        raw = read_small(directory / NAME, limit=LIMIT)
        if raw is None:
            return Held(name, state, directory, None, f"there is no {NAME}: nobody brought it")
        return Held(name, state, directory, parse_origin(raw))
    except (DocumentError, StateError) as error:
        return Held(name, state, directory, None, f"{NAME} cannot be read: {error.message}")


def list_children(directory: Path) -> list[Path]:
    """What lies in a directory, nothing if there is none. Raises StateError."""
    return [directory / entry.name for entry in _scan(directory)]


def _names(directory: Path) -> tuple[str, ...]:
    """The artifacts in a state's directory. What is no directory of its own is none."""
    return tuple(entry.name for entry in _scan(directory) if entry.is_dir(follow_symlinks=False))


def _scan(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(
            f"cannot read {directory}: {error.strerror}", hint=f"ls -ld {directory}"
        ) from error
