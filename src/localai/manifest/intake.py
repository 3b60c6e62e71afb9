"""Take a signed manifest in, whoever brings it: what keeps it out, and where it is put."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from localai.atomicfile import write_whole
from localai.errors import DocumentError, StateError, UsageError
from localai.manifest import schema
from localai.manifest.change import write_signed
from localai.manifest.envelope import (
    LIMIT,
    MOST_SIGNATURES,
    Envelope,
    Signature,
    envelope_beside,
    write_envelope,
)
from localai.manifest.load import merge
from localai.manifest.signature import PublicKey
from localai.manifest.signing import take_signatures
from localai.manifest.trust import Role, Root
from localai.manifest.verify import LoadedManifest, Verification
from localai.places import make_private
from localai.smallfile import read_small


def refuse_rival(found: LoadedManifest, present: Iterable[LoadedManifest], own: Path) -> None:
    """Raise UsageError if one of ``present`` has the name of the one that was brought and goes
    first, or only lies under another file name in ``own``: the two would refuse each other."""
    for one in present:
        if one.name != found.name:
            continue
        if one.sha256 != found.sha256 and merge((one,), (found,)) == (one,):
            raise UsageError(
                f"{one.path} goes before it: newer, or signed by the role manifest",
                hint="localai manifest diff shows what they have otherwise",
            )
        if one.path.parent == own and one.path.stem != found.name:
            raise UsageError(
                f"{one.path} holds a manifest of that name", hint=f"move it to {found.name}.yaml"
            )


def role_of(verification: Verification, root: Root) -> Role:
    """Whose signatures count under a manifest that is in force by this root of trust."""
    lane = root.lane if verification.frame else None
    return verification.revocations.strip(lane.role if lane else root.manifest)


def put(path: Path, raw: bytes, signatures: bytes, payload_type: str, role: Role) -> None:
    """Put a manifest, or a list of what is revoked, with its signatures in the place of what was
    there; at every moment one of the two has those that count. Raises StateError.

    Of what was brought only the signatures of the ``role`` stay, one for each key: whoever brings
    a file may add others to it, as many as an envelope holds. Raises DocumentError without any.
    """
    make_private(path.parent)
    beside, keys = envelope_beside(path), [key.public for key in role.keys]
    made = [one for one, _ in take_signatures(payload_type, raw, signatures, keys)]
    before = _find_present(path, payload_type, keys)
    both = Envelope(payload_type, (*made, *before)[:MOST_SIGNATURES])
    write_signed(path, raw, write_envelope(both))
    write_whole(beside, write_envelope(Envelope(payload_type, tuple(made))), mode=0o644)


def _find_present(path: Path, payload_type: str, keys: Sequence[PublicKey]) -> list[Signature]:
    """The signatures of these keys under what lies there; none if it counts for nothing anyway."""
    try:
        raw = read_small(path, limit=schema.LIMIT)
        signatures = read_small(envelope_beside(path), limit=LIMIT)
        found = take_signatures(payload_type, raw or b"", signatures or b"", keys)
    except (DocumentError, StateError):
        return []
    return [one for one, _ in found]
