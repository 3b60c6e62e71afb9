"""Add to the list of what is revoked, and sign it, for ``localai trust``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from localai.atomicfile import write_whole
from localai.cli.roots.signers import Signer
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, UsageError
from localai.locking import locked_folder
from localai.manifest import envelope, revocation
from localai.manifest.change import read_signatures, write_signed
from localai.manifest.floor import read_floors
from localai.manifest.load import load_revocations, load_trust, revocation_file
from localai.manifest.revocation import (
    Kind,
    RevocationList,
    Revocations,
    Revoked,
    parse_revocations,
    verify_revocations,
    write_revocations,
)
from localai.manifest.signing import attach_signatures
from localai.places import make_private
from localai.smallfile import read_small


def name_revoked(
    around: Surroundings,
    sha256: str | None,
    tree: str | None,
    entry: str | None,
    signer: str | None,
) -> tuple[Kind, str]:
    """What a command line names: exactly one of the four; a signer by the key's fingerprint or
    by its name in the root of trust. Raises UsageError."""
    given = [
        (kind, value)
        for kind, value in zip(Kind, (sha256, tree, entry, signer), strict=True)
        if value is not None
    ]
    if len(given) != 1:
        raise UsageError(
            "one thing is revoked at a time",
            hint="--sha256 DIGEST, --tree-sha256 DIGEST, --entry ID or --signer NAME",
        )
    kind, value = given[0]
    root = load_trust(around.places, around.today).root
    keys = list(root.manifest.keys) if root and kind is Kind.KEY else []
    if root and root.lane and kind is Kind.KEY:
        keys += root.lane.role.keys
    found = {one.public.fingerprint for one in keys if one.name == value}
    if len(found) > 1:
        raise UsageError(
            f"two different keys are named {value}", hint="--signer with the key's fingerprint"
        )
    value = next(iter(found), value)
    if kind is Kind.KEY and not re.fullmatch("[0-9a-f]{64}", value):
        raise UsageError(
            f"no signer of manifests is called {value}",
            hint="localai trust show names them; the whole fingerprint does for one who left",
        )
    return kind, value


def revoke(
    around: Surroundings, named: Sequence[tuple[Kind, str]], reason: str, signer: Signer | None
) -> tuple[Path, Revocations]:
    """Add a line to the list for each of ``named``, raise its version and sign it; without a
    ``signer`` nothing runs here until its signatures are attached.

    Raises UsageError if all are revoked already or the key may not revoke, DocumentError for a
    value that is none, or if the list that is there is malformed.
    """
    make_private(around.places.config)
    path = revocation_file(around.places)
    with locked_folder(path.parent):
        before = read_small(path, limit=revocation.LIMIT)
        found = _parse(path, before, around)
        listed = {(one.kind, one.value) for one in found.revoked}
        lines = [Revoked(*one, around.today, reason) for one in named if one not in listed]
        if not lines:
            kind, value = named[0]
            raise UsageError(f"the {kind} {value} is revoked already", hint="localai trust show")
        raw = write_revocations(
            RevocationList(found.version + 1, around.today, (*found.revoked, *lines))
        )
        if signer is None:
            write_whole(path, raw, mode=0o644)
        else:
            write_signed(path, raw, _sign(around, raw, signer, before))
    return path, load_here(around)


def _parse(path: Path, raw: bytes | None, around: Surroundings) -> RevocationList:
    """What is listed so far: nothing without a file, and an error in one that was cut short."""
    if raw is None:
        return RevocationList(0, around.today, ())
    try:
        return parse_revocations(raw)
    except DocumentError as error:
        hint = "get the list again from whoever has it whole, with its signatures"
        raise DocumentError(f"{path}: {error.message}", hint=hint) from error


def ask_list(around: Surroundings) -> bytes:
    """What is to be signed of the list: its payload. Raises UsageError if there is none."""
    return envelope.encode_for_signing(revocation.TYPE, _read(around))


def sign_list(around: Surroundings, signer: Signer) -> tuple[Path, Revocations]:
    """Add a signature to the list as it stands. Raises UsageError if there is none, if the key
    may not revoke, or if hosts would refuse the version."""
    path = revocation_file(around.places)
    with locked_folder(path.parent):
        raw = _read(around)
        signed = _sign(around, raw, signer, raw)
        write_whole(envelope.envelope_beside(path), signed, mode=0o644)
    return path, load_here(around)


def _read(around: Surroundings) -> bytes:
    raw = read_small(revocation_file(around.places), limit=revocation.LIMIT)
    if raw is None:
        raise UsageError("nothing is revoked here", hint="localai trust revoke")
    return raw


def load_here(around: Surroundings) -> Revocations:
    """What is revoked on this host. Raises StateError."""
    seen = read_floors(around.places.state).revocation
    return load_revocations(around.places, load_trust(around.places, around.today), seen)


def _sign(around: Surroundings, raw: bytes, signer: Signer, before: bytes | None) -> bytes:
    trust = load_trust(around.places, around.today)
    if trust.root is None:
        raise DocumentError(f"{trust.problem} {trust.evidence}".strip(), hint=trust.remedy)
    role = trust.root.revocation
    if role is None:
        raise UsageError(
            "the root of trust has no keys for the role revocation",
            hint="localai trust add-key FILE --role revocation, signed by the root's own keys",
        )
    keys = [one.public for one in role.keys]
    mine = signer(revocation.TYPE, raw, keys)
    present = read_signatures(revocation_file(around.places))
    signed = attach_signatures(revocation.TYPE, raw, mine, present, keys, before)
    seen = read_floors(around.places.state).revocation
    judged = verify_revocations(raw, signed, role._replace(threshold=1), seen)
    if judged.problem:
        raise UsageError(
            f"signed like this it would be refused: {judged.problem}, {judged.evidence}",
            hint="raise its version above what was seen, then sign again",
        )
    return signed
