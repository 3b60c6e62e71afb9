"""What goes into a bundle with some artifacts: the manifests that list them, and what those need
to count elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from localai.bundle.contents import (
    Artifact,
    Contents,
    Signed,
    list_small,
    make_index,
    parse_index,
    read_contents,
    write_index,
)
from localai.errors import DocumentError, StateError, UsageError
from localai.manifest import envelope, revocation, schema
from localai.manifest.chain import read_roots, read_trusted, root_file
from localai.manifest.envelope import envelope_beside
from localai.manifest.load import load_manifests, revocation_file
from localai.manifest.trust import parse_root
from localai.manifest.verify import LoadedManifest
from localai.places import Places
from localai.plan.matching import agree, candidates, find_matches
from localai.smallfile import read_small
from localai.store.held import Held
from localai.store.origin import Origin


class Gathered(NamedTuple):
    """The contents of a bundle, where its files lie, in their order, and the artifacts that no
    manifest in force lists here."""

    contents: Contents
    paths: tuple[Path, ...]
    unlisted: tuple[str, ...]


def gather(found: Sequence[Held], places: Places, today: date) -> Gathered:
    """Read everything but the artifacts' bytes. Raises UsageError for an artifact whose origin
    cannot be read, and for more than a bundle may hold, StateError, DocumentError."""
    artifacts = tuple(Artifact(one.id, _origin_of(one)) for one in found)
    loaded = load_manifests(places, today)
    listing = {one.id: _find_listing(one.origin, loaded) for one in artifacts}
    needed = [one for one in loaded if any(one is named for named in listing.values())]
    contents = Contents(artifacts)
    if needed:
        revoked = needed[0].verification.revocations.version
        contents = Contents(
            artifacts,
            _read_chain(places),
            tuple(_read_signed(one.path, schema.LIMIT, one.sha256) for one in needed),
            _read_signed(revocation_file(places), revocation.LIMIT) if revoked else None,
        )
    _refuse_unreadable(contents)
    lie = {
        file.sha256: path
        for held, one in zip(found, artifacts, strict=True)
        for file, path in zip(one.origin.files, held.paths, strict=True)
    }
    paths = tuple(lie[file.sha256] for file in contents.files)
    return Gathered(contents, paths, tuple(name for name, by in listing.items() if by is None))


def _refuse_unreadable(contents: Contents) -> None:
    """What no host would read is not carried."""
    try:
        documents = [raw for _, raw in list_small(contents)]
        read_contents(parse_index(write_index(make_index(contents))), documents)
    except DocumentError as error:
        raise UsageError(
            f"no host would read such a bundle: {error.message}", hint="make several of them"
        ) from error


def _origin_of(held: Held) -> Origin:
    if held.origin is None:
        raise UsageError(f"{held.id}: {held.problem}", hint=f"localai store verify {held.id}")
    return held.origin


def _find_listing(origin: Origin, loaded: Sequence[LoadedManifest]) -> LoadedManifest | None:
    """The manifest in force with an entry of exactly these files."""
    match = agree(
        [
            find_matches(candidates(loaded, one.size), sha256=one.sha256, tree=one.tree)
            for one in origin.files
        ]
    )
    return match.manifest if match and match.entry in match.manifest.entries else None


def _read_chain(places: Places) -> tuple[Signed, ...]:
    """The roots from the oldest that is kept here to the one in force, each with its signatures."""
    last = read_trusted(places)
    kept = root_file(places, 0).parent
    found = read_roots([kept]) if kept.is_dir() else ()
    before = {parse_root(one.raw).version: one for one in found if one.envelope}
    chain = {**before, parse_root(last.raw).version: last}
    return tuple(
        Signed(one.raw, one.envelope or b"")
        for version, one in sorted(chain.items())
        if version <= parse_root(last.raw).version
    )


def _read_signed(path: Path, limit: int, digest: str = "") -> Signed:
    raw = read_small(path, limit=limit)
    signatures = read_small(envelope_beside(path), limit=envelope.LIMIT)
    if raw is None or signatures is None or (digest and sha256(raw).hexdigest() != digest):
        raise StateError(f"{path} was changed meanwhile", hint="run this command again")
    return Signed(raw, signatures)
