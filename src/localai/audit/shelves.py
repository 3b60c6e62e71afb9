"""The few entries of large manifests that can matter to one file: an audit asks for thousands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from localai.manifest.schema import Entry
from localai.manifest.verify import LoadedManifest


class Shelves:
    """Manifests, with their entries by the sizes and the names of their files."""

    def __init__(self, manifests: Iterable[LoadedManifest]) -> None:
        self._shelved = [(loaded, _shelve(_entries_of(loaded))) for loaded in manifests]

    def take(self, size: int, name: str) -> tuple[LoadedManifest, ...]:
        """All manifests, of which those that could be read have only the entries with a file of
        this size, which decides, or of this name, which tells a damaged file from a foreign one:
        :mod:`localai.plan.matching` looks at no others."""
        return tuple(_keep(loaded, by.keys() & {size, name}, by) for loaded, by in self._shelved)


def _entries_of(loaded: LoadedManifest) -> Sequence[Entry]:
    return loaded.verification.manifest.entries if loaded.verification.manifest else ()


def _shelve(entries: Sequence[Entry]) -> Mapping[int | str, list[int]]:
    by = defaultdict[int | str, list[int]](list)
    for number, entry in enumerate(entries):
        for file in entry.files:
            by[file.size].append(number)
            by[file.name].append(number)
    return by


def _keep(
    loaded: LoadedManifest, keys: Iterable[int | str], by: Mapping[int | str, list[int]]
) -> LoadedManifest:
    verification = loaded.verification
    if verification.manifest is None:
        return loaded
    entries = verification.manifest.entries
    kept = tuple(entries[number] for number in sorted({n for key in keys for n in by[key]}))
    manifest = verification.manifest._replace(entries=kept)
    return loaded._replace(verification=verification._replace(manifest=manifest))
