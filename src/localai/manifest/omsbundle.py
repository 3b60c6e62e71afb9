"""The bundles of OpenSSF Model Signing (OMS): their form, read and written.

A bundle is a Sigstore bundle, in JSON, around a DSSE envelope. Its payload is an in-toto statement
with the path and the digest of every file of a model, and one digest over those. What is signed
with a certificate, or lists other digests than SHA-256 or pieces of files, is another bundle:
it is read as far as it takes to say so. :mod:`localai.manifest.oms` judges what is read here.

Source: OMS 1.0 (ossf/model-signing-spec); Sigstore bundle 0.3 (sigstore/protobuf-specs);
in-toto Statement 1; and what the library model_signing 1.1.1 writes and accepts.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from localai.document import read_json
from localai.errors import KeyFileError
from localai.manifest.algorithm import Algorithm
from localai.manifest.envelope import LONGEST_SIGNATURE, read_base64
from localai.manifest.provenance import LONGEST_NAME
from localai.manifest.signature import PrivateKey, PublicKey, sign
from localai.shape import Fields, read_shape

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"

ALGORITHMS = (Algorithm.P256, Algorithm.P384)
"""The kinds of key that OMS and localai have in common."""

LIMIT = 4 * 1024 * 1024
"""Bytes that a bundle may have: some ten thousand files."""

WHOLE = "."
"""The path that a model of one file has in a bundle: the model is that file."""

_MOST_FILES = 10_000
_LONGEST_PATH = 1024  # characters
_OTHER_METHODS = ("certificate", "x509CertificateChain", "timestampVerificationData")


class _Method(StrEnum):
    """How the files of a model became digests."""

    FILES = "files"
    SHARDS = "shards"


class Bundle(NamedTuple):
    """A signature over a payload, and the key that it is said to be of (see :func:`name_key`).

    ``unknown`` says in words what keeps it from being checked here; the rest is empty then.
    """

    unknown: str = ""
    key: str = ""
    payload: bytes = b""
    signature: bytes = b""


class Statement(NamedTuple):
    """What was signed: the name of a model, one digest over all of it, the paths and the SHA-256
    of its files, and the paths that were left out. ``unknown`` as in a :class:`Bundle`."""

    unknown: str = ""
    name: str = ""
    digest: str = ""
    files: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()


def name_key(key: PublicKey) -> str:
    """How a bundle names a key: by the SHA-256 of its PEM, which is not its fingerprint."""
    return sha256(key.pem.encode()).hexdigest()


def digest_all(digests: Iterable[str]) -> str:
    """The one digest over a model: that of the digests of its files, in the bundle's order."""
    return sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def write_bundle(name: str, files: Iterable[tuple[str, str]], private: PrivateKey) -> bytes:
    """Sign the files of a model, by their paths and SHA-256, as a bundle that model_signing takes.

    Raises KeyFileError for a key of a kind that OMS does not have.
    """
    if (algorithm := private.public.algorithm) not in ALGORITHMS:
        raise KeyFileError(
            f"the key is {algorithm}, and a bundle is signed with {' or '.join(ALGORITHMS)}",
            hint="--key NAME of such a key; localai keys show lists yours",
        )
    listed = sorted(files)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": digest_all(digest for _, digest in listed)}}
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {
                "method": _Method.FILES.value,
                "hash_type": "sha256",
                "allow_symlinks": False,
            },
            "resources": [
                {"name": path, "algorithm": "sha256", "digest": digest} for path, digest in listed
            ],
        },
    }
    payload = json.dumps(statement).encode()
    signature = sign(PAYLOAD_TYPE, payload, private)
    bundle = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": name_key(private.public)},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": b64encode(signature.value).decode(), "keyid": ""}],
        },
    }
    return json.dumps(bundle).encode() + b"\n"


def read_bundle(raw: bytes) -> Bundle:
    """The bundle, of which nothing was verified. Raises DocumentError."""
    return read_shape(read_json(raw, limit=LIMIT), "bundle", _read_bundle)


def read_statement(payload: bytes) -> Statement:
    """The statement in a bundle's payload. Raises DocumentError."""
    read = read_json(payload, limit=LIMIT, fractions=True)  # as protobuf writes every number
    return read_shape(read, "statement", _read_statement)


def _read_bundle(fields: Fields) -> Bundle:
    if (media_type := fields.text("mediaType")) != BUNDLE_TYPE:
        fields.ignore_others()
        return Bundle(f"{media_type}: {BUNDLE_TYPE} was expected")
    unknown, key = fields.one("verificationMaterial", _read_material)
    if unknown:
        fields.ignore_others()
        return Bundle(unknown)
    payload, signature = fields.one("dsseEnvelope", _read_envelope)
    return Bundle("", key, payload, signature)


def _read_material(fields: Fields) -> tuple[str, str]:
    """What keeps it from being checked, if anything does; and the key that it names."""
    if others := [name for name in _OTHER_METHODS if fields.has(name)]:
        fields.ignore_others()
        return f"its signature is one with a {others[0]}: only those with a key are checked", ""
    if fields.has("tlogEntries"):
        fields.each("tlogEntries", lambda _: None, most=0)
    return "", fields.one("publicKey", _read_key)


def _read_key(fields: Fields) -> str:
    for remark in ("rawBytes", "keyDetails"):  # before version 1; it would vouch for itself
        fields.has(remark)
    return fields.digest("hint") if fields.has("hint") else ""


def _read_envelope(fields: Fields) -> tuple[bytes, bytes]:
    if (payload_type := fields.text("payloadType")) != PAYLOAD_TYPE:
        raise fields.refuse("payloadType", f"{payload_type}: {PAYLOAD_TYPE} was expected")
    payload = read_base64(fields, "payload", limit=LIMIT)
    signatures = fields.each("signatures", _read_signature, most=1)
    if not signatures:
        raise fields.refuse("signatures", "empty")
    return payload, signatures[0]


def _read_signature(fields: Fields) -> bytes:
    fields.has("keyid")  # decides nothing, and is mostly empty
    return read_base64(fields, "sig", limit=LONGEST_SIGNATURE)


def _read_statement(fields: Fields) -> Statement:
    if (kind := fields.text("_type")) != STATEMENT_TYPE:
        raise fields.refuse("_type", f"{kind}: {STATEMENT_TYPE} was expected")
    if (predicate := fields.text("predicateType")) != PREDICATE_TYPE:
        fields.ignore_others()
        return Statement(f"{predicate}: {PREDICATE_TYPE} was expected")
    subjects = fields.each("subject", _read_subject, most=1)
    if not subjects:
        raise fields.refuse("subject", "empty")
    said = fields.one("predicate", _read_predicate)
    name, digest = subjects[0]
    return said._replace(name=name, digest=digest)


def _read_subject(fields: Fields) -> tuple[str, str]:
    name = fields.text("name", limit=LONGEST_NAME)
    return name, fields.one("digest", lambda digest: digest.digest("sha256"))


def _read_predicate(fields: Fields) -> Statement:
    fields.ignore_others()  # as the format asks of whoever verifies its version 1.0
    unknown, left_out = fields.one("serialization", _read_serialization)
    if unknown:
        return Statement(unknown)
    files = fields.each("resources", _read_resource, most=_MOST_FILES)
    return Statement("", files=files, left_out=left_out)


def _read_serialization(fields: Fields) -> tuple[str, tuple[str, ...]]:
    """What keeps it from being checked, if anything does; and the paths that were left out."""
    method, hash_type = fields.choice("method", _Method), fields.text("hash_type")
    if method is _Method.SHARDS or hash_type != "sha256":
        fields.ignore_others()
        return f"it has the {hash_type} of {method}: only the sha256 of files is checked", ()
    fields.boolean("allow_symlinks")  # whatever was done then, no link is followed here
    paths = fields.texts("ignore_paths", limit=_LONGEST_PATH) if fields.has("ignore_paths") else ()
    return "", paths


def _read_resource(fields: Fields) -> tuple[str, str]:
    if (algorithm := fields.text("algorithm")) != "sha256":
        raise fields.refuse("algorithm", f"{algorithm}: sha256 was expected")
    return fields.text("name", limit=_LONGEST_PATH), fields.digest("digest")
