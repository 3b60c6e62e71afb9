"""Keys and signatures: made, read, written, and counted.

:mod:`localai.manifest.algorithm` says which keys are accepted; these two modules alone use the
library ``cryptography``. A key is known by its fingerprint: the SHA-256 of its
SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) in DER, of which each kind has exactly one encoding.

A start only verifies, and must not pay for what private keys and certificates need: that is
imported where it is used.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from localai.errors import DocumentError, KeyFileError
from localai.manifest import algorithm as kinds
from localai.manifest import pkcs8
from localai.manifest.algorithm import Algorithm, Proof
from localai.manifest.envelope import Signature, encode_for_signing

_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_NEW_BITS = 3072  # of a new RSA key: SP 800-57 part 1 lets 2048 run out in 2030


class PublicKey(NamedTuple):
    """A public key: ``spki`` is its SubjectPublicKeyInfo in DER. ``take_public_key`` makes it."""

    spki: bytes

    @property
    def algorithm(self) -> Algorithm:
        return kinds.find_algorithm(self.spki)

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
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, kinds.PSS, SHA256())
        small = isinstance(self._key.curve, ec.SECP256R1)
        return self._key.sign(message, kinds.P256_SCHEME if small else kinds.P384_SCHEME)


def generate_key(algorithm: Algorithm = Algorithm.P256) -> PrivateKey:
    """Make a new private key."""
    if algorithm is Algorithm.ED25519:
        return PrivateKey(ed25519.Ed25519PrivateKey.generate())
    if algorithm is Algorithm.RSA:
        return PrivateKey(rsa.generate_private_key(kinds.EXPONENT, _NEW_BITS))
    small = algorithm is Algorithm.P256
    return PrivateKey(ec.generate_private_key(ec.SECP256R1() if small else ec.SECP384R1()))


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
        if prove(message, listed, key)
    )


def prove(message: bytes, signatures: Iterable[Signature], key: PublicKey) -> Proof | None:
    """The first of the signatures over ``message`` itself that holds for ``key``: how it was made,
    and its bytes as most tools take them. None if there is none."""
    proofs = (kinds.prove(key.spki, signature.value, message) for signature in signatures)
    return next((proof for proof in proofs if proof), None)


def take_public_key(spki: bytes) -> PublicKey:
    """A public key from its SubjectPublicKeyInfo in DER. Raises DocumentError."""
    try:
        kinds.check_key(spki)
    except ValueError as error:
        raise DocumentError(
            f"not a key that is accepted: found {_describe(spki)}; expected {kinds.EXPECTED}",
            hint="make one with: localai keys generate",
        ) from error
    return PublicKey(spki)


def _describe(spki: bytes) -> str:
    """What kind of key this is that is none of ours."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if len(spki) > kinds.LONGEST_KEY:
        return f"one of {len(spki)} bytes"
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "none that can be read"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA of {key.key_size} bits with the exponent {key.public_numbers().e}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA on {key.curve.name}, {len(spki)} bytes"
    return "another kind, or another encoding"


def read_public_key(content: bytes) -> PublicKey:
    """A public key from a file's bytes: itself in PEM or DER, or a certificate in either.

    Of a certificate the key is taken and nothing else: its dates, names, uses, its chain and its
    revocation are not looked at, for the root of trust is what says whose keys count. Raises
    DocumentError.
    """
    if content.startswith(b"\x30") or _CERTIFICATE in content:
        return take_public_key(_find_key(content))
    lines = content.decode("ascii", "replace").strip().splitlines()
    if lines[:1] != [_BEGIN] or lines[-1:] != [_END]:
        raise DocumentError(
            "neither a public key nor a certificate", hint=f"a key in PEM begins with {_BEGIN}"
        )
    try:
        spki = b64decode("".join(lines[1:-1]), validate=True)
    except ValueError as error:  # of which binascii.Error is one
        raise DocumentError("not a public key in PEM: not base64") from error
    return take_public_key(spki)


def _find_key(content: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate; DER that is no certificate, as it stands."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if content.count(_CERTIFICATE) > 1:
        raise DocumentError(
            "several certificates", hint="keep the one that is the signer's own, without its chain"
        )
    pem = _CERTIFICATE in content
    try:
        load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
        certificate = load(content)
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        if not pem:
            return content
        raise DocumentError("not a certificate with a key that can be read") from error
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if spki not in certificate.tbs_certificate_bytes:
        raise DocumentError(
            f"the certificate has its key in another encoding: expected {kinds.EXPECTED}"
        )
    return spki


def is_locked(pem: bytes) -> bool:
    """True if a private key in PKCS#8 PEM needs a passphrase."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem


def load_private_key(pem: bytes, passphrase: str | None) -> PrivateKey:
    """Read a private key in PKCS#8 PEM.

    Raises KeyFileError: encrypted and no passphrase given, a wrong one, or no such key.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"Proc-Type: 4,ENCRYPTED" in pem:
        # RFC 1421: one round of MD5 makes the key of a passphrase
        raise KeyFileError(
            "encrypted in the old way of OpenSSL, which is soon guessed; expected PKCS#8",
            hint="openssl pkcs8 -topk8 -iter 600000 -in OLD.pem -out NEW.pem",
        )
    if not is_locked(pem):
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
            hint="run the command again; no one can recover a passphrase, but localai keys "
            "generate makes another key",
        ) from error
    if isinstance(key, _Private):
        private = PrivateKey(key)
        with suppress(DocumentError):
            _ = private.public  # which is taken only if it is one of the four kinds
            return private
    raise KeyFileError(f"not a key that is accepted: expected {kinds.EXPECTED}")


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
