"""Detached DSSE envelopes: the signatures over one file, kept beside it.

Source: DSSE 1.0 (secure-systems-lab/dsse), protocol.md and envelope.md. The envelope lies beside
``NAME.yaml`` (or ``.json``) as ``NAME.dsse.json``. It has no ``payload``: the body is the exact
bytes of that file, which a person can read, and there is no second copy to disagree with it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from pathlib import Path
from typing import NamedTuple

from localai.document import read_json
from localai.errors import DocumentError
from localai.shape import Fields, read_shape

MANIFEST_TYPE = "application/vnd.localai.manifest.v1+yaml"
ROOT_TYPE = "application/vnd.localai.root.v1+json"

LIMIT = 64 * 1024
"""Bytes that an envelope may have."""

MOST_SIGNATURES = 32
LONGEST_SIGNATURE = 1368
"""Characters of base64: 1024 bytes, the signature of an RSA key of 8192 bits."""


class Signature(NamedTuple):
    """One signature's bytes. ``keyid`` is a remark for people: it decides nothing."""

    keyid: str
    value: bytes


class Envelope(NamedTuple):
    """The type of what was signed, and the signatures over it."""

    payload_type: str
    signatures: tuple[Signature, ...]


def envelope_beside(path: Path) -> Path:
    """Where the envelope of the file ``path`` lies: ``allowlist.yaml``, ``allowlist.dsse.json``."""
    return path.with_name(f"{path.stem}.dsse.json")


def encode_for_signing(payload_type: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed. Lengths are in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def parse_envelope(raw: bytes) -> Envelope:
    """Read an envelope. Raises DocumentError for one that is oversized or malformed."""
    return read_shape(read_json(raw, limit=LIMIT), "envelope", _read_envelope)


def write_envelope(envelope: Envelope) -> bytes:
    """The envelope as JSON; ``parse_envelope`` of it gives an equal envelope."""
    document = {
        "payloadType": envelope.payload_type,
        "signatures": [
            {"keyid": signature.keyid, "sig": b64encode(signature.value).decode()}
            for signature in envelope.signatures
        ],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def write_self_contained(envelope: Envelope, body: bytes) -> bytes:
    """The same with the signed body inside, as any verifier of DSSE takes it."""
    document = json.loads(write_envelope(envelope))
    return json.dumps({"payload": b64encode(body).decode(), **document}, indent=2).encode() + b"\n"


def parse_self_contained(raw: bytes, *, limit: int) -> tuple[bytes, Envelope] | None:
    """What ``write_self_contained`` wrote, taken apart: the body and its envelope; None if ``raw``
    is something else. ``limit``: bytes that all of it may have.

    Raises DocumentError for an envelope that is malformed.
    """
    try:
        node = read_json(raw, limit=limit)
    except DocumentError:
        return None
    if "payload" not in node:
        return None

    def read(fields: Fields) -> tuple[bytes, Envelope]:
        return read_base64(fields, "payload", limit=limit), _read_envelope(fields)

    return read_shape(node, "envelope", read)


def _read_envelope(fields: Fields) -> Envelope:
    return Envelope(
        payload_type=fields.text("payloadType"),
        signatures=fields.each("signatures", _read_signature, most=MOST_SIGNATURES),
    )


def read_base64(fields: Fields, key: str, *, limit: int) -> bytes:
    """The bytes behind a text of at most ``limit`` characters of base64. Raises DocumentError."""
    text = fields.text(key, limit=limit)
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise fields.refuse(key, "is not base64") from error


def _read_signature(fields: Fields) -> Signature:
    value = read_base64(fields, "sig", limit=LONGEST_SIGNATURE)
    return Signature(fields.text("keyid") if fields.has("keyid") else "", value)
