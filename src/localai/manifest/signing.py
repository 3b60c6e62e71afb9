"""What signers do: found a root of trust, begin a manifest, sign. Types and bytes, no files."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

from localai.errors import DocumentError
from localai.manifest.envelope import (
    ROOT_TYPE,
    Envelope,
    Signature,
    encode_for_signing,
    parse_envelope,
    write_envelope,
)
from localai.manifest.schema import Manifest
from localai.manifest.signature import PrivateKey, PublicKey, prove, sign, verify
from localai.manifest.trust import Role, RoleKey, Root, write_root

Made = Sequence[tuple[Signature, PublicKey]]
"""Signatures, each with the key that made it."""

ROOT_DAYS = 3650
"""Days that a new root of trust holds: replacing one needs a person on every host."""

MANIFEST_DAYS = 90
"""Days that a new manifest holds: the bound on how long a withheld newer one goes unnoticed."""


def found_root(
    private: PrivateKey,
    signers: Sequence[RoleKey],
    threshold: int,
    today: date,
    days: int = ROOT_DAYS,
) -> tuple[bytes, bytes]:
    """A new root of trust and its envelope: ``signers`` sign manifests, ``threshold`` of them at
    least, and the owner of ``private``, who is one of them, answers for the root itself. Each of
    the signers may revoke alone.

    Raises DocumentError if that is no valid root: a key or a name twice, too high a threshold.
    """
    owner = tuple(signer for signer in signers if signer.public == private.public)[:1]
    root = Root(
        version=1,
        issued=today,
        expires=today + timedelta(days=days),
        root=Role(1, owner),
        manifest=Role(threshold, tuple(signers)),
        revocation=Role(1, tuple(signers)),
    )
    raw = write_root(root)
    return raw, add_signature(ROOT_TYPE, raw, private, None, None)


def begin_manifest(name: str, today: date, days: int = MANIFEST_DAYS) -> Manifest:
    """A manifest that approves nothing yet."""
    return Manifest(name, 1, today, today + timedelta(days=days), ())


def add_signature(
    payload_type: str,
    body: bytes,
    private: PrivateKey,
    present: bytes | None,
    trusted: Sequence[PublicKey] | None,
    previous: bytes | None = None,
) -> bytes:
    """The envelope ``present`` (None: none yet) with one more signature over ``body``: see
    :func:`attach_signatures`."""
    mine = [(sign(payload_type, body, private), private.public)]
    return attach_signatures(payload_type, body, mine, present, trusted, previous)


def attach_signatures(
    payload_type: str,
    body: bytes,
    made: Made,
    present: bytes | None,
    trusted: Sequence[PublicKey] | None,
    previous: bytes | None = None,
) -> bytes:
    """The envelope ``present`` (None: none yet) with what was ``made`` of ``body``.

    An older signature of the same keys goes, and so does every one that holds for none of the
    ``trusted`` keys: it was made over other bytes. If those keys are not known (None), all other
    signatures stay: one that does not hold counts for nothing. Where ``body`` is to take the place
    of ``previous``, what the trusted keys signed of that stays as well, until the next change: one
    of the two files is written first. Raises DocumentError if ``present`` is malformed.
    """
    kept = []
    if present is not None:
        named, keys = {mine.keyid for mine, _ in made}, [public for _, public in made]
        for other in parse_envelope(present).signatures:
            again = other.keyid in named or verify(payload_type, body, (other,), keys)
            stale = trusted is not None and not verify(payload_type, body, (other,), trusted)
            carried = (
                previous not in (None, body)
                and trusted is not None
                and verify(payload_type, previous or b"", (other,), trusted)
            )
            if carried or not (again or stale):
                kept.append(other)
    return write_envelope(Envelope(payload_type, (*kept, *(mine for mine, _ in made))))


def take_signatures(
    payload_type: str, body: bytes, content: bytes, keys: Sequence[PublicKey]
) -> Made:
    """The signatures over ``body`` that were made elsewhere, and whose they are.

    ``content`` is what a card, a module or another tool made, or its base64, ECDSA as DER or as r
    and s side by side (it comes back as DER); or an envelope, as it lies beside a signer's copy of
    the file. Raises DocumentError if none of it holds for any of the ``keys``.
    """
    found = _find_signatures(content)
    proofs = [(key, prove(encode_for_signing(payload_type, body), found, key)) for key in keys]
    if taken := [(Signature(key.fingerprint, one.value), key) for key, one in proofs if one]:
        return taken
    if any(prove(body, found, key) for key in keys):
        raise DocumentError(
            "it was made over the file itself: expected one over its payload",
            hint="sign the payload: the command sign prints it with --print-payload",
        )
    raise DocumentError(
        "it holds for none of the keys that may sign, or was made over other bytes",
        hint="sign the payload as it is now, with a key that localai trust show lists; "
        "SHA-256 for RSA and P-256, SHA-384 for P-384",
    )


def _find_signatures(content: bytes) -> Sequence[Signature]:
    if content.startswith(b"{") and content.isascii():  # no signature is text
        return parse_envelope(content).signatures
    values = [content]
    with suppress(ValueError):
        values.append(b64decode(b"".join(content.split()), validate=True))
    return [Signature("", value) for value in values]
