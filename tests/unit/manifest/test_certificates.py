"""Public keys from certificates: the key is taken, and nothing else is looked at."""

from __future__ import annotations

from base64 import encodebytes
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from localai.errors import DocumentError
from localai.manifest.signature import read_public_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KEYS = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def certify(key: Key, *, days: int = 365, issuer: Key | None = None) -> x509.Certificate:
    """A certificate of ``key``, by itself or by ``issuer``, that begins at NOW."""
    name = x509.Name(
        [
            x509.NameAttribute(
                NameOID.COMMON_NAME,
                "an officer of the agency, with a name of sixty-four characters 1",
            )
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=days))
    )
    signer = issuer or key
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else SHA256())


CERTIFICATES = {kind: certify(make()).public_bytes(Encoding.DER) for kind, make in KEYS.items()}


def spki_of(key: Key) -> bytes:
    public = key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("kind", KEYS)
def test_the_key_of_a_certificate(kind: str) -> None:
    key = KEYS[kind]()
    certificate = certify(key)
    pem = certificate.public_bytes(Encoding.PEM)
    for content in (
        certificate.public_bytes(Encoding.DER),
        pem,
        pem.replace(b"\n", b"\r\n"),  # as Windows writes it
        b"subject=CN = somebody\n" + pem,  # as openssl does
    ):
        assert read_public_key(content).spki == spki_of(key)
    assert read_public_key(spki_of(key)).spki == spki_of(key)  # as a module gives it


def test_neither_dates_nor_the_issuer_are_looked_at() -> None:
    """The root of trust says whose keys count: this is documented, and must not change unseen."""
    key, issuer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    for certificate in (certify(key, days=1), certify(key, issuer=issuer)):
        assert read_public_key(certificate.public_bytes(Encoding.DER)).spki == spki_of(key)


def test_several_certificates_are_refused() -> None:
    """Which one is the signer's is nothing to guess."""
    both = b"".join(
        certify(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.PEM)
        for _ in range(2)
    )
    with pytest.raises(DocumentError, match="several certificates"):
        read_public_key(both)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: rsa.generate_private_key(3, 2048),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=["rsa-1024", "rsa-e-3", "p521", "secp256k1"],
)
def test_a_certificate_of_a_key_that_is_not_accepted(make: type[Key]) -> None:
    certificate = certify(make())
    for encoding in (Encoding.DER, Encoding.PEM):
        with pytest.raises(DocumentError, match="expected ECDSA P-256 or P-384"):
            read_public_key(certificate.public_bytes(encoding))


def test_a_key_in_another_encoding_is_refused() -> None:
    """The library reads a compressed point and would write it uncompressed: the fingerprint would
    not be that of the key that stands in the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = spki_of(key)[-65:]
    compressed = bytes((2 + point[-1] % 2,)) + point[1:33]
    certificate = certify(key).public_bytes(Encoding.DER)
    long = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + point
    short = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + compressed
    spoiled = certificate.replace(long, short)
    missing = len(long) - len(short)
    for at in (2, 6):  # the lengths of the certificate and of what is signed in it
        length = int.from_bytes(spoiled[at : at + 2], "big") - missing
        spoiled = spoiled[:at] + length.to_bytes(2, "big") + spoiled[at + 2 :]
    assert x509.load_der_x509_certificate(spoiled).public_key().public_numbers() == (  # type: ignore[union-attr]
        key.public_key().public_numbers()
    )
    with pytest.raises(DocumentError, match="in another encoding"):
        read_public_key(spoiled)


def test_a_certificate_of_the_future_is_refused() -> None:
    """Fuzzing found it: the library's error about versions is none of a value."""
    certificate = certify(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)
    version = bytes.fromhex("a003020102")
    assert certificate.count(version) == 1
    spoiled = certificate.replace(version, version[:-1] + b"\x42")
    with pytest.raises(x509.InvalidVersion):
        x509.load_der_x509_certificate(spoiled).public_key()
    pem = b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n"
    for content in (spoiled, pem % encodebytes(spoiled)):
        with pytest.raises(DocumentError):
            read_public_key(content)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(at=st.integers(0, 10_000), flip=st.integers(1, 255), kind=st.sampled_from(sorted(KEYS)))
def test_a_damaged_certificate_gives_a_key_or_a_message(at: int, flip: int, kind: str) -> None:
    content = bytearray(CERTIFICATES[kind])
    content[at % len(content)] ^= flip
    with suppress(DocumentError):
        assert read_public_key(bytes(content)).spki in bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n",
        b"\x30\x82\x01",
        b"\x30\x00",
        b"\x30" * 4000,
    ],
)
def test_what_is_no_certificate(content: bytes) -> None:
    with pytest.raises(DocumentError):
        read_public_key(content)
