"""The roots of trust on this host's disk: the one in force, those before it, and the next one.

``root.json`` is in force. Every version lies beside it as ``roots/N.root.json`` with its
``N.root.dsse.json``: what came before, and the next one while its signatures are being collected.
A host that is some versions behind walks through such a folder from the root that it trusts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.errors import DocumentError, StateError
from localai.manifest import envelope, trust
from localai.manifest.envelope import parse_envelope
from localai.manifest.load import pin_root, read_pin
from localai.manifest.rotation import SignedRoot, Step, walk
from localai.manifest.trust import Root, fingerprint_root, is_signed_by_itself, parse_root
from localai.places import Places, make_directory
from localai.smallfile import list_files, read_small

MOST_FILES = 256
"""Roots that are read from one folder."""


class Walk(NamedTuple):
    """The root that is trusted here, and the steps that lead on from it."""

    start: Root
    steps: tuple[Step, ...]

    @property
    def accepted(self) -> tuple[Step, ...]:
        """The steps that may be taken: all before the first problem."""
        return tuple(step for step in self.steps if not step.problem)

    @property
    def problem(self) -> Step | None:
        """The step that may not be taken; None if all may."""
        return next((step for step in self.steps if step.problem), None)


def root_file(places: Places, version: int) -> Path:
    """Where a version of the root lies."""
    return places.root.with_name("roots") / f"{version}.root.json"


def read_roots(paths: Iterable[Path]) -> tuple[SignedRoot, ...]:
    """The roots in files, and in folders all their ``*root.json``, each with its envelope.

    Raises DocumentError for a path where nothing is, StateError for what cannot be read.
    """
    files: list[Path] = []
    for path in paths:
        files += list_files(path, "root.json") if path.is_dir() else [path]
    if len(files) > MOST_FILES:
        raise DocumentError(f"{len(files)} roots: at most {MOST_FILES} are read")
    return tuple(_read(path) for path in files)


def read_trusted(places: Places, *, owner: int = 0) -> SignedRoot:
    """The root that is trusted here, be it out of date: the pinned one, wherever it lies after a
    command that was cut short; on an administered host the one that its owner put there.

    Raises DocumentError if there is none or it is malformed, StateError if it cannot be read.
    """
    if places.administered:
        raw = read_small(places.root, limit=trust.LIMIT, owner=owner)
        if raw is not None:
            return SignedRoot(raw, _find_envelope(places, raw))
    elif pin := read_pin(places):
        for path in (places.root, *list_files(root_file(places, 0).parent, ".root.json")):
            raw = read_small(path, limit=trust.LIMIT)
            if raw is not None and fingerprint_root(raw) == pin:
                return SignedRoot(raw, _read_envelope(path))
    raise DocumentError(
        "no root of trust is pinned here",
        hint="get it from your security officer, then: localai trust init FILE",
    )


def walk_from(trusted: SignedRoot, found: Sequence[SignedRoot]) -> Walk:
    """Walk from ``trusted`` through ``found``. Raises DocumentError if ``trusted`` is malformed."""
    start = parse_root(trusted.raw)
    return Walk(start, walk(start, trusted.raw, found))


def put_in_force(places: Places, trusted: SignedRoot, steps: Sequence[Step]) -> None:
    """Keep every root of an accepted walk, then put the last one, without a step ``trusted``
    itself, where the root in force lies.

    Cut short anywhere, the same command does the rest: ``trusted`` is kept until the end.
    Raises StateError.
    """
    last = trusted
    for last in (trusted, *(step.signed for step in steps)):
        store(places, last)
    signatures = last.envelope or b""
    if places.administered:
        write_whole(places.root, last.raw, mode=0o644)
        write_whole(envelope.envelope_beside(places.root), signatures, mode=0o644)
    else:
        pin_root(places, last.raw, signatures)


def store(places: Places, signed: SignedRoot) -> Path:
    """Keep a root under its version, with its signatures, and return its path. Raises
    StateError."""
    path = root_file(places, parse_root(signed.raw).version)
    make_directory(path.parent, 0o755)
    beside = envelope.envelope_beside(path)
    if read_small(path, limit=trust.LIMIT) != signed.raw:
        beside.unlink(missing_ok=True)  # signatures over other bytes
        write_whole(path, signed.raw, mode=0o644)
    if signed.envelope is not None:
        write_whole(beside, signed.envelope, mode=0o644)
    return path


def _read(path: Path) -> SignedRoot:
    raw = read_small(path, limit=trust.LIMIT)
    if raw is None:
        raise StateError(f"there is no root of trust {path}", hint="localai trust update FILE")
    return SignedRoot(raw, _read_envelope(path))


def _find_envelope(places: Places, raw: bytes) -> bytes | None:
    """The signatures of the administrator's root: those beside it, unless they are another root's
    because a command was cut short. Then those that it had kept."""
    beside, root = _read_envelope(places.root), parse_root(raw)
    with suppress(DocumentError):
        if beside is not None and is_signed_by_itself(root, raw, parse_envelope(beside)):
            return beside
    kept = root_file(places, root.version)
    return _read_envelope(kept) if read_small(kept, limit=trust.LIMIT) == raw else beside


def _read_envelope(path: Path) -> bytes | None:
    return read_small(envelope.envelope_beside(path), limit=envelope.LIMIT)
