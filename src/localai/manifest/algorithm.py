"""The kinds of key: the one encoding that each has here, and when a signature of theirs holds.

ECDSA on P-256 with SHA-256 and on P-384 with SHA-384, Ed25519, and RSA with SHA-256, by PSS or by
PKCS#1 v1.5: what the cards and modules of an agency hold (FIPS 186-5, SP 800-78-5). No other key is
accepted. A second encoding of a key would count as a second key, so each kind has exactly one: the
uncompressed point (RFC 5480), RFC 8410, and rsaEncryption with NULL (RFC 3279).

All of it is needed when a start verifies: nothing slow is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

FEWEST_BITS, MOST_BITS = 2048, 8192
"""Bits of an RSA modulus. More would let one signature cost what a thousand others do."""

EXPONENT = 65537
"""The public exponent of an RSA key: the only one that SP 800-78-5 lets a card have."""

LONGEST_SIGNATURE = MOST_BITS // 8
"""Bytes."""

LONGEST_KEY = LONGEST_SIGNATURE + 38
"""Bytes of a SubjectPublicKeyInfo."""

EXPECTED = (
    "ECDSA P-256 or P-384 (uncompressed), Ed25519, or RSA of "
    f"{FEWEST_BITS} to {MOST_BITS} bits with the exponent {EXPONENT}"
)

P256_SCHEME, P384_SCHEME = ec.ECDSA(SHA256()), ec.ECDSA(SHA384())
PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
# A signer may choose how much salt there is (RFC 8017, 9.1); whoever verifies reads it off.
_PSS_OF_ANY_SALT = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)

_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

# All of the SubjectPublicKeyInfo that comes before the key itself, and the length of that.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"), 65  # 0x04, x, y
_P384 = bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200"), 97
_ED25519 = bytes.fromhex("302a300506032b6570032100"), 32
# RFC 8032, 5.1: y is below p. And all y of the eight points whose order divides 8: whoever has
# no private key at all can sign for them (Chalkias et al., "Taming the Many EdDSAs").
_FIELD = 2**255 - 19
_Y_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _Y_OF_ORDER_8, _FIELD - _Y_OF_ORDER_8})
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
_RSA_HEAD, _RSA_EXPONENT = 32, bytes.fromhex("0203010001")


class Algorithm(StrEnum):
    """The kinds of key, by the names that the command line uses."""

    P256 = "p256"
    P384 = "p384"
    ED25519 = "ed25519"
    RSA = "rsa"


class Scheme(StrEnum):
    """How a signature was made."""

    ECDSA_SHA256 = "ecdsa-sha256"
    ECDSA_SHA384 = "ecdsa-sha384"
    ED25519 = "ed25519"
    RSA_PSS = "rsa-pss-sha256"
    RSA_PKCS1 = "rsa-pkcs1-sha256"


class Proof(NamedTuple):
    """A signature that holds: how it was made, and its bytes as most tools take them (ECDSA in
    DER, RFC 3279, 2.2.3)."""

    scheme: Scheme
    value: bytes


def find_algorithm(spki: bytes) -> Algorithm:
    """The kind of the key in a SubjectPublicKeyInfo. Raises ValueError: not one of the four."""
    for algorithm, (prefix, length) in (
        (Algorithm.P256, _P256),
        (Algorithm.P384, _P384),
        (Algorithm.ED25519, _ED25519),
    ):
        if spki.startswith(prefix) and len(spki) == len(prefix) + length:
            return algorithm
    if FEWEST_BITS <= _modulus(spki).bit_length() <= MOST_BITS:
        return Algorithm.RSA
    raise ValueError("none of the four kinds of key")


def check_key(spki: bytes) -> None:
    """Raise ValueError unless ``spki`` is the one encoding of a key that can be used."""
    try:
        _load(spki)
    except UnsupportedAlgorithm as error:
        raise ValueError("the library does not know this kind of key") from error


def prove(spki: bytes, signature: bytes, message: bytes) -> Proof | None:
    """How ``signature`` over ``message`` holds for a key that :func:`check_key` let pass, if it
    does. ECDSA's r and s may also stand side by side, as .NET and PKCS#11 write them."""
    public = _load(spki)
    for proof in _readings(find_algorithm(spki), signature):
        try:
            _verify(public, proof, message)
        except InvalidSignature:
            continue
        return proof
    return None


def _readings(algorithm: Algorithm, signature: bytes) -> Iterator[Proof]:
    if algorithm is Algorithm.ED25519:
        yield Proof(Scheme.ED25519, signature)
    elif algorithm is Algorithm.RSA:
        yield Proof(Scheme.RSA_PSS, signature)
        yield Proof(Scheme.RSA_PKCS1, signature)
    else:
        small = algorithm is Algorithm.P256
        scheme, size = (Scheme.ECDSA_SHA256, 32) if small else (Scheme.ECDSA_SHA384, 48)
        yield Proof(scheme, signature)
        if len(signature) == 2 * size:
            r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
            yield Proof(scheme, utils.encode_dss_signature(r, s))


def _verify(public: _Public, proof: Proof, message: bytes) -> None:
    """Raises InvalidSignature."""
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(proof.value, message)
    elif isinstance(public, rsa.RSAPublicKey):
        pss = proof.scheme is Scheme.RSA_PSS
        public.verify(
            proof.value, message, _PSS_OF_ANY_SALT if pss else padding.PKCS1v15(), SHA256()
        )
    else:
        small = proof.scheme is Scheme.ECDSA_SHA256
        public.verify(proof.value, message, P256_SCHEME if small else P384_SCHEME)


def _load(spki: bytes) -> _Public:
    algorithm = find_algorithm(spki)
    if algorithm is Algorithm.RSA:
        return rsa.RSAPublicNumbers(EXPONENT, _modulus(spki)).public_key()
    if algorithm is Algorithm.ED25519:
        return _load_ed25519(spki[len(_ED25519[0]) :])
    small = algorithm is Algorithm.P256
    curve, prefix = (ec.SECP256R1(), _P256[0]) if small else (ec.SECP384R1(), _P384[0])
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, spki[len(prefix) :])


def _load_ed25519(raw: bytes) -> ed25519.Ed25519PublicKey:
    """The library takes any 32 bytes: points for which anybody can sign, and second encodings."""
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    if y >= _FIELD or y in _SMALL_ORDER:
        raise ValueError("a key for which anybody could sign, or no canonical encoding")
    return ed25519.Ed25519PublicKey.from_public_bytes(raw)


def _modulus(spki: bytes) -> int:
    """The modulus of an RSA key, 0 if ``spki`` is not exactly what would be written for it."""
    modulus = int.from_bytes(spki[_RSA_HEAD : -len(_RSA_EXPONENT)], "big")
    exact = len(spki) <= LONGEST_KEY and modulus % 2 and spki == _write_rsa(modulus)
    return modulus if exact else 0


def _write_rsa(modulus: int) -> bytes:
    """RFC 3279, 2.3.1. An integer whose first bit is 1 would be negative: a zero goes before."""
    number = modulus.to_bytes(modulus.bit_length() // 8 + 1, "big")
    key = _long(0x30, _long(0x02, number) + _RSA_EXPONENT)
    return _long(0x30, _RSA_ALGORITHM + _long(0x03, b"\0" + key))


def _long(tag: int, content: bytes) -> bytes:
    """Tag, length, value (X.690, 8.1), for the lengths from 256 to 65535 that occur here."""
    return bytes((tag, 0x82)) + len(content).to_bytes(2, "big") + content
