"""Keys and signatures: the only module that uses the library ``cryptography``.

ECDSA on P-256 with SHA-256 (FIPS 186-5) is the default, Ed25519 (RFC 8032) the alternative; no
other key is accepted. A key is known by its fingerprint: the SHA-256 of its SubjectPublicKeyInfo
(RFC 5280, 4.1.2.7) in DER. Each of the two has exactly one encoding here (RFC 5480 with an
uncompressed point, RFC 8410): a second encoding of a key, which would count as a second key, is
refused.

A start only verifies, and must not pay for what private keys need: that is imported where it is
used.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from localai.errors import DocumentError, KeyFileError
from localai.manifest import pkcs8
from localai.manifest.envelope import Signature, encode_for_signing

_ECDSA = ec.ECDSA(SHA256())
_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

# All of the SubjectPublicKeyInfo that comes before the key itself.
_P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_P256_POINT = 65  # 0x04, x, y
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
_ED25519_POINT = 32
_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"


class Algorithm(StrEnum):
    """The kinds of key, by the names that the command line uses."""

    P256 = "p256"
    ED25519 = "ed25519"


class PublicKey(NamedTuple):
    """A public key: ``spki`` is its SubjectPublicKeyInfo in DER. ``take_public_key`` makes it."""

    spki: bytes

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.P256 if self.spki.startswith(_P256_PREFIX) else Algorithm.ED25519

    @property
    def fingerprint(self) -> str:
        return sha256(self.spki).hexdigest()

    @property
    def pem(self) -> str:
        text = b64encode(self.spki).decode()
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        return "\n".join((_BEGIN, *lines, _END, ""))


class PrivateKey:
    """A private key that can sign. It has no ``repr``, so that no trace or log shows it."""

    __slots__ = ("_key",)

    def __init__(self, key: _Private) -> None:
        self._key = key

    @property
    def public(self) -> PublicKey:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self._key.public_key()
        return take_public_key(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def sign(self, message: bytes) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, _ECDSA)


def generate_key(algorithm: Algorithm = Algorithm.P256) -> PrivateKey:
    """Make a new private key."""
    if algorithm is Algorithm.ED25519:
        return PrivateKey(ed25519.Ed25519PrivateKey.generate())
    return PrivateKey(ec.generate_private_key(ec.SECP256R1()))


def sign(payload_type: str, body: bytes, private: PrivateKey) -> Signature:
    """Sign ``body`` as something of type ``payload_type`` (DSSE)."""
    message = encode_for_signing(payload_type, body)
    return Signature(private.public.fingerprint, private.sign(message))


def verify(
    payload_type: str, body: bytes, signatures: Iterable[Signature], keys: Iterable[PublicKey]
) -> frozenset[str]:
    """The fingerprints of the keys of which at least one signature over ``body`` holds.

    Every signature is tried with every key: the key id in a signature decides nothing. A set of
    fingerprints, so that neither two signatures of one key nor one key listed twice count double.
    """
    message = encode_for_signing(payload_type, body)
    listed = tuple(signatures)
    return frozenset(
        key.fingerprint
        for key in {key.fingerprint: key for key in keys}.values()
        if any(_holds(key, signature.value, message) for signature in listed)
    )


def _holds(key: PublicKey, signature: bytes, message: bytes) -> bool:
    public = _load(key.spki)
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, message)
        else:
            public.verify(signature, message, _ECDSA)
    except InvalidSignature:
        return False
    return True


def take_public_key(spki: bytes) -> PublicKey:
    """A public key from its SubjectPublicKeyInfo in DER. Raises DocumentError."""
    try:
        _load(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DocumentError(
            "not an ECDSA P-256 key (uncompressed) or an Ed25519 key",
            hint="make one with: localai keys generate",
        ) from error
    return PublicKey(spki)


def read_public_key(pem: str) -> PublicKey:
    """A public key from PEM. Raises DocumentError."""
    lines = pem.strip().splitlines()
    if lines[:1] != [_BEGIN] or lines[-1:] != [_END]:
        raise DocumentError("not a public key in PEM", hint=f"it begins with {_BEGIN}")
    try:
        return take_public_key(b64decode("".join(lines[1:-1]), validate=True))
    except Base64Error as error:
        raise DocumentError("not a public key in PEM: not base64") from error


def _load(spki: bytes) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    for prefix, length in ((_P256_PREFIX, _P256_POINT), (_ED25519_PREFIX, _ED25519_POINT)):
        point = spki.removeprefix(prefix)
        if len(point) == length and len(spki) == len(prefix) + length:
            if prefix is _ED25519_PREFIX:
                return ed25519.Ed25519PublicKey.from_public_bytes(point)
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    raise ValueError("neither of the two kinds of key")


def load_private_key(pem: bytes, passphrase: str | None) -> PrivateKey:
    """Read a private key in PKCS#8 PEM.

    Raises KeyFileError: encrypted and no passphrase given, a wrong one, or no such key.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" not in pem:
        passphrase = None  # a passphrase for a key that has none is no error of the file
    elif passphrase is None:
        raise KeyFileError("the key is encrypted and no passphrase was given")
    try:
        key = load_pem_private_key(pem, passphrase.encode() if passphrase is not None else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if passphrase is None:
            raise KeyFileError("not a private key") from error
        raise KeyFileError(
            "wrong passphrase, or a damaged key",
            hint="run the command again; no one can recover a passphrase, but keys generate "
            "makes another key",
        ) from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return PrivateKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return PrivateKey(key)
    raise KeyFileError("not an ECDSA P-256 or Ed25519 key")


def write_private_key(private: PrivateKey, passphrase: str) -> str:
    """The private key as PKCS#8 PEM, encrypted with a passphrase that is not empty."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt, iv = os.urandom(16), os.urandom(16)
    key = pkcs8.derive_key(passphrase, salt)
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    body = cipher.update(pkcs8.pad(_to_der(private))) + cipher.finalize()
    return pkcs8.write_encrypted(salt, iv, body)


def write_private_key_unencrypted(private: PrivateKey) -> str:
    """The private key as PKCS#8 PEM that whoever reads the file can use."""
    return pkcs8.write_unencrypted(_to_der(private))


def _to_der(private: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
