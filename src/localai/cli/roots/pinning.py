"""Pin a root of trust: one that was given, or a new one of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localai.cli.choosing import choose_key, choose_key_file
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, UsageError
from localai.manifest import envelope, trust
from localai.manifest.keyfile import load_public
from localai.manifest.load import load_trust, pin_root
from localai.manifest.signing import found_root
from localai.manifest.trust import RoleKey, fingerprint_root
from localai.manifest.verify import Authority, verify_root
from localai.places import Places
from localai.smallfile import read_small


def pin_given(around: Surroundings, file: Path, expected: str | None) -> str:
    """Pin the root of trust in ``file`` and return its fingerprint.

    Raises UsageError if one is pinned already or the fingerprint is another than ``expected``,
    DocumentError if the file cannot be relied on.
    """
    _refuse_second(around)
    raw = read_small(file, limit=trust.LIMIT)
    signatures = read_small(envelope.envelope_beside(file), limit=envelope.LIMIT)
    if raw is None:
        raise DocumentError(f"there is no file {file}", hint="localai trust init FILE")
    fingerprint = fingerprint_root(raw)
    if expected is not None and expected.lower() != fingerprint:
        raise UsageError(
            f"{file} has the fingerprint {fingerprint}, expected {expected}",
            hint="it is not the file that was meant: ask your security officer",
        )
    found = verify_root(raw, signatures, Authority.OWN, fingerprint, around.today)
    if found.root is None or signatures is None:
        raise DocumentError(f"{file}: {found.problem}, {found.evidence}")
    return pin_root(around.places, raw, signatures)


def found(around: Surroundings, key: str | None, signers: Sequence[Path], threshold: int) -> str:
    """Make a root of trust for one's own key and those of ``signers``, pin it, and return its
    fingerprint. Raises UsageError if one is pinned already, KeyFileError, DocumentError."""
    _refuse_second(around)
    name = choose_key_file(around.places, key).stem
    others = [RoleKey(path.name.split(".")[0], load_public(path)) for path in signers]
    if not 0 < threshold <= 1 + len(others):  # before a passphrase is asked for
        raise UsageError(
            f"--threshold {threshold}, and the number of keys is {1 + len(others)}",
            hint="--signer FILE for each further key; --threshold NUMBER, from 1 to all of them",
        )
    private = choose_key(around.places, key)
    raw, signatures = found_root(
        private, [RoleKey(name, private.public), *others], threshold, around.today
    )
    return pin_root(around.places, raw, signatures)


def _refuse_second(around: Surroundings) -> None:
    places: Places = around.places
    if places.administered:
        raise UsageError(
            "the administrator's root of trust counts on this host",
            hint="localai trust show",
        )
    present = load_trust(places, around.today)
    if present.fingerprint:
        raise UsageError(
            f"there is a root of trust already: {present.fingerprint}",
            hint=f"if another is to take its place, move {places.root} away first",
        )
