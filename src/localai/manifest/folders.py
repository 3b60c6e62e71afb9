"""The folders in which manifests lie, and what lies there."""

from __future__ import annotations

from pathlib import Path

from localai.errors import StateError
from localai.places import Places
from localai.smallfile import list_files

MOST = 64
"""Manifests that a host may have."""


def manifest_directory(places: Places) -> Path:
    """Where the manifests that count lie."""
    return places.administrator / "manifests" if places.administered else places.manifests


def manifest_directories(places: Places) -> tuple[Path, ...]:
    """All directories from which manifests count, the one that goes first in front."""
    own = (places.imported,) if places.administered else ()
    return (manifest_directory(places), *own)


def imported_directory(places: Places) -> Path:
    """Where manifests that count lie and this account can put one."""
    return places.imported if places.administered else places.manifests


def find_manifests(directory: Path) -> list[Path]:
    """The manifests in a directory. Raises StateError if it cannot be read, or has too many."""
    paths = list_files(directory, ".yaml")
    if len(paths) > MOST:
        raise StateError(
            f"{len(paths)} manifests in {directory}: at most {MOST} are read",
            hint="put several entries into one manifest",
        )
    return paths


def check_count(path: Path) -> None:
    """See that a manifest can be put at ``path`` so that all there are still read. Raises
    StateError."""
    found = find_manifests(path.parent)
    if path not in found and len(found) >= MOST:
        raise StateError(
            f"there are {len(found)} manifests in {path.parent}, and at most {MOST} are read",
            hint="take one away that is no longer needed, or put several entries into one",
        )
