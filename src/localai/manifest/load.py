"""Find and read what lies on this host: the root of trust, its pin, and the manifests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from localai.atomicfile import write_whole
from localai.errors import DocumentError, StateError
from localai.manifest import envelope, floor, revocation, schema, trust
from localai.manifest.folders import find_manifests, manifest_directories
from localai.manifest.revocation import Revocations, refuse_list, verify_revocations
from localai.manifest.verify import (
    Authority,
    LoadedManifest,
    Trust,
    Verification,
    refuse_unread,
    verify_manifest,
    verify_root,
)
from localai.places import Places, make_private
from localai.smallfile import read_small


def merge(
    present: tuple[LoadedManifest, ...], imported: tuple[LoadedManifest, ...]
) -> tuple[LoadedManifest, ...]:
    """What is there and what was imported: of one name only one, and never by a manifest of the
    lane in the place of one that the role manifest signed, or by an older one."""

    def rank(one: LoadedManifest) -> tuple[bool, bool, int]:
        manifest = one.verification.manifest
        return manifest is not None, not one.verification.frame, manifest.version if manifest else 0

    best = {one.name: one for one in present}
    for one in imported:
        if one.name not in best or rank(one) > rank(best[one.name]):
            best[one.name] = one
    return tuple(one for one in (*present, *imported) if best[one.name] is one)


def pin_file(places: Places) -> Path:
    """Where the fingerprint of the user's own root of trust is kept."""
    return places.config / "root.pin"


def load_trust(places: Places, today: date, *, owner: int = 0) -> Trust:
    """Read and verify the root of trust that counts on this host.

    ``owner`` is the uid that must own the administrator's. Nothing is raised: what cannot be read
    cannot be relied on, and the result says so.
    """
    authority = Authority.ADMINISTRATOR if places.administered else Authority.OWN
    try:
        pin = None if places.administered else read_pin(places)
        raw = read_small(
            places.root, limit=trust.LIMIT, owner=owner if places.administered else None
        )
        signatures = read_small(envelope.envelope_beside(places.root), limit=envelope.LIMIT)
    except StateError as error:
        return Trust(authority, None, "", "root unreadable", error.message, error.hint)
    return verify_root(raw, signatures, authority, pin, today)


def pin_root(places: Places, raw: bytes, signatures: bytes) -> str:
    """Make ``raw`` the user's own root of trust: store it, its signatures and its fingerprint,
    which is returned. The caller has verified it. Raises StateError."""
    make_private(places.config)
    own = places.config / "root.json"
    fingerprint = trust.fingerprint_root(raw)
    write_whole(own, raw, mode=0o644)
    write_whole(envelope.envelope_beside(own), signatures, mode=0o644)
    write_whole(pin_file(places), f"{fingerprint}\n".encode(), mode=0o644)
    return fingerprint


def load_manifests(places: Places, today: date, *, owner: int = 0) -> tuple[LoadedManifest, ...]:
    """Read and verify every manifest on this host, and remember the versions seen.

    Those are the ``*.yaml`` in the administrator's directory, with those that this account
    imported, or in the user's where there is no administrator; links are not followed. Two
    manifests of one name in one directory refuse each other; of an imported one and one of the
    administrator's the newer counts (:func:`merge`).
    Raises StateError if the directory or what was remembered cannot be read, or if a risen
    version cannot be remembered.
    """
    directories = [find_manifests(directory) for directory in manifest_directories(places)]
    if not any(directories):
        return ()
    root = load_trust(places, today, owner=owner)
    floors = floor.read_floors(places.state)
    revoked = load_revocations(places, root, floors.revocation)
    loaded: tuple[LoadedManifest, ...] = ()
    for paths in directories:
        found = (
            LoadedManifest(path, _verify(path, root, today, floors, revoked)) for path in paths
        )
        loaded = merge(loaded, _refuse_namesakes(tuple(found)))
    seen = [(one.name, one.verification.frame, one.verification.floor) for one in loaded]
    floor.remember(
        places.state,
        {name: last for name, frame, last in seen if last and frame is None},
        revoked.floor,
        {name: last for name, frame, last in seen if last and frame},
    )
    return loaded


def revocation_file(places: Places) -> Path:
    """Where the list of what is revoked lies: beside the root of trust."""
    return places.root.with_name("revocation.yaml")


def load_revocations(places: Places, root: Trust, seen: floor.Floor | None) -> Revocations:
    """Read and verify the list of what is revoked on this host; ``seen`` is its floor.

    Nothing is raised: a list that cannot be read is a problem, for which nothing may run. Without
    a root of trust nothing is read, and nothing is approved either.
    """
    if root.root is None:
        return revocation.NOTHING
    path = revocation_file(places)
    try:
        raw = read_small(path, limit=revocation.LIMIT)
        signatures = read_small(envelope.envelope_beside(path), limit=envelope.LIMIT)
    except StateError as error:
        return refuse_list(error.message, error.hint)
    return verify_revocations(raw, signatures, root.root.revocation, seen)


def find_roles(places: Places, root: Trust) -> tuple[trust.Role, ...]:
    """Whose signatures under manifests count on this host, of the role manifest and of the lane:
    those of keys that are not revoked.

    Nobody's without a root of trust that can be relied on.
    """
    if root.root is None:
        return ()
    seen = floor.read_floors(places.state).revocation
    revoked = load_revocations(places, root, seen)
    lane = root.root.lane
    return tuple(
        revoked.strip(role) for role in (root.root.manifest, *([lane.role] if lane else ()))
    )


def read_manifest(path: Path) -> tuple[bytes, schema.Manifest]:
    """Read a manifest to change or to show it: its signatures are not looked at.

    Raises DocumentError, naming the file, if there is none or if it is malformed.
    """
    raw = read_small(path, limit=schema.LIMIT)
    if raw is None:
        raise DocumentError(f"there is no manifest {path}", hint="localai manifest init NAME")
    try:
        return raw, schema.parse_manifest(raw)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error.message}", hint=error.hint) from error


def verify_file(path: Path, places: Places, today: date) -> Verification:
    """Verify one manifest wherever it lies, and remember nothing. Raises StateError."""
    root = load_trust(places, today)
    floors = floor.read_floors(places.state)
    revoked = load_revocations(places, root, floors.revocation)
    return _verify(path, root, today, floors, revoked)


def verify_bytes(
    raw: bytes,
    signatures: bytes,
    places: Places,
    today: date,
    *,
    root: Trust | None = None,
    revoked: Revocations | None = None,
) -> Verification:
    """The same for a manifest that was brought as bytes. ``root`` and ``revoked`` are those to
    verify by, this host's own if left out."""
    root = root or load_trust(places, today)
    floors = floor.read_floors(places.state)
    revoked = revoked or load_revocations(places, root, floors.revocation)
    return _judge(raw, signatures, root, today, floors, revoked)


def verify_files(
    paths: Sequence[Path],
    places: Places,
    today: date,
    *,
    root: Trust | None = None,
    revoked: Revocations | None = None,
) -> tuple[LoadedManifest, ...]:
    """Verify several manifests, as a start would, and remember nothing; ``root`` and ``revoked``
    as in :func:`verify_bytes`. Raises StateError."""
    root = root or load_trust(places, today)
    floors = floor.read_floors(places.state)
    revoked = revoked or load_revocations(places, root, floors.revocation)
    found = [
        LoadedManifest(path, _verify(path, root, today, floors, revoked))
        for path in dict.fromkeys(paths)
    ]
    imported = tuple(one for one in found if one.path.parent == places.imported)
    present = tuple(one for one in found if one.path.parent != places.imported)
    return merge(_refuse_namesakes(present), _refuse_namesakes(imported))


def _verify(
    path: Path,
    root: Trust,
    today: date,
    floors: floor.Floors,
    revoked: Revocations,
) -> Verification:
    if path.is_symlink():
        remedy = f"put the file itself in its place: {path.readlink()}"
        return refuse_unread(f"{path.name} is a link, and none is followed", remedy, root.authority)
    try:
        raw = read_small(path, limit=schema.LIMIT)
        signatures = read_small(envelope.envelope_beside(path), limit=envelope.LIMIT)
    except StateError as error:
        return refuse_unread(error.message, error.hint, root.authority)
    if raw is None:
        return refuse_unread(f"{path} does not exist", "localai manifest init NAME", root.authority)
    return _judge(raw, signatures, root, today, floors, revoked)


def _judge(
    raw: bytes,
    signatures: bytes | None,
    root: Trust,
    today: date,
    floors: floor.Floors,
    revoked: Revocations,
) -> Verification:
    return verify_manifest(
        raw,
        signatures,
        root,
        today=today,
        floors=floors.manifests,
        lanes=floors.lanes,
        revocations=revoked,
    )


def _refuse_namesakes(loaded: tuple[LoadedManifest, ...]) -> tuple[LoadedManifest, ...]:
    """One name, one manifest: otherwise the order of files would decide which one counts."""
    names = [manifest.name for manifest in loaded]
    return tuple(
        LoadedManifest(
            manifest.path,
            refuse_unread(
                f"two files hold a manifest named {manifest.name}",
                "keep the newer one",
                manifest.verification.authority,
            ),
        )
        if names.count(manifest.name) > 1
        else manifest
        for manifest in loaded
    )


def read_pin(places: Places) -> str | None:
    """The fingerprint of the user's own root of trust; None if none is pinned. Raises
    StateError."""
    raw = read_small(pin_file(places), limit=256)
    return None if raw is None else raw.decode("ascii", "replace").strip()
