"""Bundles of OpenSSF Model Signing, with one thing about them changed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from localai.manifest.omsbundle import PAYLOAD_TYPE, digest_all, write_bundle
from localai.manifest.signature import PrivateKey, sign

FILES = {"a.gguf": b"weights", "sub/b.json": b"settings"}
"""A model of two files, by their paths."""

LISTED = tuple((path, sha256(content).hexdigest()) for path, content in FILES.items())

Document = dict[str, Any]
Change = Callable[[Document], object]


def whole(private: PrivateKey) -> Document:
    """The bundle of FILES as JSON."""
    return dict(json.loads(write_bundle("model", LISTED, private)))


def statement_of(bundle: Document) -> Document:
    return dict(json.loads(b64decode(bundle["dsseEnvelope"]["payload"])))


def sign_payload(bundle: Document, payload: bytes, private: PrivateKey) -> Document:
    """The bundle with another payload, which the key really signed."""
    value = sign(PAYLOAD_TYPE, payload, private).value
    bundle["dsseEnvelope"] |= {
        "payload": b64encode(payload).decode(),
        "signatures": [{"sig": b64encode(value).decode(), "keyid": ""}],
    }
    return bundle


def with_bundle(change: Change, private: PrivateKey) -> bytes:
    """A bundle with something changed outside of what is signed."""
    document = whole(private)
    change(document)
    return json.dumps(document).encode()


def with_statement(change: Change, private: PrivateKey) -> bytes:
    """A bundle with another statement, which the key really signed."""
    document = whole(private)
    statement = statement_of(document)
    change(statement)
    return json.dumps(sign_payload(document, json.dumps(statement).encode(), private)).encode()


def with_files(*files: tuple[str, str]) -> Change:
    """Change a statement to be about other files, with the digest over all that fits."""

    def change(statement: Document) -> None:
        statement["subject"][0]["digest"]["sha256"] = digest_all(digest for _, digest in files)
        statement["predicate"]["resources"] = [
            {"name": path, "algorithm": "sha256", "digest": digest} for path, digest in files
        ]

    return change


def with_predicate(**changes: object) -> Change:
    return lambda statement: statement["predicate"].update(changes)


def with_serialization(**changes: object) -> Change:
    return lambda statement: statement["predicate"]["serialization"].update(changes)


def with_material(**changes: object) -> Change:
    return lambda bundle: bundle["verificationMaterial"].update(changes)


def with_envelope(**changes: object) -> Change:
    return lambda bundle: bundle["dsseEnvelope"].update(changes)


_A, _B = LISTED
_ELSEWHERE = ("../c.gguf", _A[1])

STATEMENTS: dict[str, tuple[Change, str, str]] = {
    "another statement": (
        lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"),
        "malformed bundle", "https://in-toto.io/Statement/v1 was expected",
    ),
    "the statement of version 0.2": (
        lambda said: said.update(predicateType="https://model_signing/Digests/v0.1"),
        "not checked", "https://model_signing/signature/v1.0 was expected",
    ),
    "no subject": (lambda said: said.update(subject=[]), "malformed bundle", "subject: empty"),
    "two subjects": (
        lambda said: said.update(subject=said["subject"] * 2), "malformed bundle", "at most 1",
    ),
    "a field of a statement that nobody knows": (
        lambda said: said.update(more="x"), "malformed bundle", "unknown key 'more'",
    ),
    "another digest over all": (
        lambda said: said["subject"][0]["digest"].update(sha256="0" * 64),
        "malformed bundle", f"it says {'0' * 64}",
    ),
    "a second digest over all": (
        lambda said: said["subject"][0]["digest"].update(sha1="0" * 40),
        "malformed bundle", "unknown key 'sha1'",
    ),
    "files in another order than their digest": (
        lambda said: said["predicate"]["resources"].reverse(),
        "malformed bundle", "its files together have the digest",
    ),
    "shards": (
        with_serialization(method="shards", shard_size=1000), "not checked", "sha256 of shards",
    ),
    "blake2": (with_serialization(hash_type="blake2"), "not checked", "blake2 of files"),
    "blake3": (with_serialization(hash_type="blake3"), "not checked", "blake3 of files"),
    "another method": (with_serialization(method="tensors"), "malformed bundle", "tensors"),
    "a way to hash that nobody knows": (
        with_serialization(salt="x"), "malformed bundle", "unknown key 'salt'",
    ),
    "links that are neither allowed nor not": (
        with_serialization(allow_symlinks="perhaps"), "malformed bundle", "allow_symlinks",
    ),
    "a digest by another algorithm": (
        lambda said: said["predicate"]["resources"][0].update(algorithm="sha512"),
        "malformed bundle", "sha256 was expected",
    ),
    "a digest that is too short": (
        with_files(("a.gguf", _A[1][:-2]), _B), "malformed bundle", "64 lower-case",
    ),
    "no files": (with_files(), "malformed bundle", "it lists no file"),
    "a path twice": (with_files(_A, _A, _B), "malformed bundle", "a.gguf stands twice"),
    "a path twice, written in two ways": (
        with_files(_A, ("./a.gguf", _B[1])), "malformed bundle", "is not one inside the model",
    ),
    "a path that leads out": (
        with_files(_A, _ELSEWHERE), "malformed bundle", "is not one inside the model",
    ),
    "a path from the root": (
        with_files(("/etc/passwd", _A[1])), "malformed bundle", "is not one inside the model",
    ),
    "a path that cannot be seen": (
        with_files(("a\u202e.gguf", _A[1])), "malformed bundle", "U+202E is not allowed",
    ),
    "a file that is the model, and another": (
        with_files((".", _A[1]), _B), "malformed bundle", "a model of one file",
    ),
    "a file that was left out": (
        with_serialization(ignore_paths=["sub/"]), "malformed bundle", "to have been left out",
    ),
    "everything left out": (
        with_serialization(ignore_paths=["."]), "malformed bundle", "to have been left out",
    ),
}  # fmt: skip
"""A change to the statement, which the key signed, and what is to be said: summary, evidence."""

BUNDLES: dict[str, tuple[Change, str, str]] = {
    "another type": (
        lambda bundle: bundle.update(mediaType="application/vnd.dev.sigstore.bundle+json"),
        "not checked", "was expected",
    ),
    "a certificate": (
        lambda bundle: bundle.update(verificationMaterial={"certificate": {"rawBytes": "AA=="}}),
        "not checked", "a certificate",
    ),
    "a chain of certificates, too": (
        with_material(x509CertificateChain={"certificates": [{"rawBytes": "AA=="}]}),
        "not checked", "x509CertificateChain",
    ),
    "an entry of a log": (
        with_material(tlogEntries=[{"logIndex": "1"}]), "malformed bundle", "at most 0",
    ),
    "no key": (
        lambda bundle: bundle["verificationMaterial"].pop("publicKey"),
        "malformed bundle", "publicKey: missing",
    ),
    "another key named": (
        with_material(publicKey={"hint": "0" * 64}), "signed by another key", "0" * 64,
    ),
    "a signature of a message": (
        lambda bundle: bundle.update(messageSignature={}), "malformed bundle", "messageSignature",
    ),
    "no envelope": (
        lambda bundle: bundle.pop("dsseEnvelope"), "malformed bundle", "dsseEnvelope: missing",
    ),
    "another payload type": (
        with_envelope(payloadType="application/vnd.localai.manifest.v1+yaml"),
        "malformed bundle", "application/vnd.in-toto+json was expected",
    ),
    "another payload": (
        with_envelope(payload=b64encode(b"{}").decode()), "not signed by this key", "the key ",
    ),
    "no signature": (with_envelope(signatures=[]), "malformed bundle", "signatures: empty"),
    "two signatures": (
        lambda bundle: bundle["dsseEnvelope"].update(
            signatures=bundle["dsseEnvelope"]["signatures"] * 2
        ),
        "malformed bundle", "at most 1",
    ),
    "a signature that is none": (
        with_envelope(signatures=[{"sig": "AAAA", "keyid": ""}]), "not signed by this key", "",
    ),
    "a payload that is no base64": (with_envelope(payload="%"), "malformed bundle", "not base64"),
}  # fmt: skip
"""A change to what is not signed, and what is to be said."""
