"""Take a signed manifest in, whoever brings it: what keeps it out, and where it is put."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from localai.atomicfile import write_whole
from localai.errors import DocumentError, UsageError
from localai.manifest.change import write_signed
from localai.manifest.envelope import (
    LIMIT,
    Envelope,
    envelope_beside,
    parse_envelope,
    write_envelope,
)
from localai.manifest.load import merge
from localai.manifest.verify import LoadedManifest
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


def put(path: Path, raw: bytes, signatures: bytes) -> None:
    """Put a manifest and its envelope in the place of those before; at every moment one of the two
    manifests has its signatures. Raises StateError."""
    make_private(path.parent)
    beside = envelope_beside(path)
    both = parse_envelope(signatures)
    if (present := read_small(beside, limit=LIMIT)) is not None:
        try:
            kept = parse_envelope(present).signatures
        except DocumentError:
            kept = ()  # then what lies there does not count anyway
        both = Envelope(both.payload_type, (*both.signatures, *kept))
    write_signed(path, raw, write_envelope(both))
    write_whole(beside, signatures, mode=0o644)
