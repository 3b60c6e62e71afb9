"""Signatures by every kind of key, made by us, the library and openssl: which hold, and how."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from localai.errors import DocumentError
from localai.manifest.algorithm import Algorithm, Scheme, find_algorithm, prove
from localai.manifest.envelope import Signature
from localai.manifest.signature import generate_key, take_public_key, verify

MESSAGE = b"the message\n"
SIZES = {Algorithm.P256: 32, Algorithm.P384: 48}
SCHEMES = {
    Algorithm.P256: Scheme.ECDSA_SHA256,
    Algorithm.P384: Scheme.ECDSA_SHA384,
    Algorithm.ED25519: Scheme.ED25519,
    Algorithm.RSA: Scheme.RSA_PSS,
}
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


def spki_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    public = key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def side_by_side(der: bytes, size: int) -> bytes:
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signature_of_ours_holds_as_its_scheme_says(algorithm: Algorithm) -> None:
    key, other = generate_key(algorithm), generate_key(algorithm)
    signature = key.sign(MESSAGE)
    spki = key.public.spki
    assert find_algorithm(spki) is algorithm
    proof = prove(spki, signature, MESSAGE)
    assert proof == (SCHEMES[algorithm], signature)
    assert prove(spki, signature, MESSAGE + b" ") is None
    assert prove(other.public.spki, signature, MESSAGE) is None
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(len(signature))):
        assert prove(spki, wrong, MESSAGE) is None


@pytest.mark.parametrize("algorithm", SIZES)
def test_r_and_s_may_stand_side_by_side(algorithm: Algorithm) -> None:
    key, size = generate_key(algorithm), SIZES[algorithm]
    der = key.sign(MESSAGE)
    raw = side_by_side(der, size)
    assert len(raw) == 2 * size
    assert prove(key.public.spki, raw, MESSAGE) == (SCHEMES[algorithm], der)
    for wrong in (
        raw[size:] + raw[:size],
        raw[:-1],
        b"\0" + raw,
        raw + b"\0",
        bytes(2 * size),
        b"\xff" * (2 * size),
        side_by_side(der, size + 1),
    ):
        assert prove(key.public.spki, wrong, MESSAGE) is None


def test_two_forms_of_one_signature_count_once() -> None:
    key = generate_key()
    kind, body = "t", b"body"
    der = key.sign(b"DSSEv1 1 t 4 body")
    forms = [Signature("a", der), Signature("b", side_by_side(der, 32))]
    assert all(verify(kind, body, [form], [key.public]) for form in forms)
    assert len(verify(kind, body, forms, [key.public, key.public])) == 1


@pytest.mark.parametrize(
    "salt",
    [0, 20, 32, padding.PSS.DIGEST_LENGTH, padding.PSS.MAX_LENGTH],
    ids=("none", "20", "32", "digest", "longest"),
)
def test_pss_with_any_salt(rsa_key: rsa.RSAPrivateKey, salt: int) -> None:
    made = rsa_key.sign(MESSAGE, padding.PSS(padding.MGF1(SHA256()), salt), SHA256())
    proof = prove(spki_of(rsa_key), made, MESSAGE)
    assert proof == (Scheme.RSA_PSS, made)


def test_pkcs1(rsa_key: rsa.RSAPrivateKey) -> None:
    made = rsa_key.sign(MESSAGE, padding.PKCS1v15(), SHA256())
    assert prove(spki_of(rsa_key), made, MESSAGE) == (Scheme.RSA_PKCS1, made)


@pytest.mark.parametrize("other", [SHA1(), SHA384(), SHA512()], ids=lambda hash: hash.name)
def test_rsa_with_another_digest_does_not_hold(
    rsa_key: rsa.RSAPrivateKey, other: HashAlgorithm
) -> None:
    for way in (padding.PKCS1v15(), padding.PSS(padding.MGF1(other), 20)):
        assert prove(spki_of(rsa_key), rsa_key.sign(MESSAGE, way, other), MESSAGE) is None
    mixed = padding.PSS(padding.MGF1(other), 20)
    assert prove(spki_of(rsa_key), rsa_key.sign(MESSAGE, mixed, SHA256()), MESSAGE) is None


@pytest.mark.parametrize(
    ("curve", "other"),
    [(ec.SECP256R1(), SHA1()), (ec.SECP256R1(), SHA384()), (ec.SECP384R1(), SHA256())],
    ids=["p256-sha1", "p256-sha384", "p384-sha256"],
)
def test_ecdsa_with_another_digest_does_not_hold(
    curve: ec.EllipticCurve, other: HashAlgorithm
) -> None:
    key = ec.generate_private_key(curve)
    assert prove(spki_of(key), key.sign(MESSAGE, ec.ECDSA(other)), MESSAGE) is None


def test_ecdsa_of_zero_never_holds() -> None:
    """r = s = 0 would hold for everything where nobody looks (CVE-2022-21449)."""
    for algorithm, size in SIZES.items():
        spki = generate_key(algorithm).public.spki
        assert prove(spki, encode_dss_signature(0, 0), MESSAGE) is None
        assert prove(spki, bytes(2 * size), MESSAGE) is None


@needs_openssl
@pytest.mark.parametrize(
    ("make", "sign", "scheme"),
    [
        (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         ["dgst", "-sha256", "-sign"], Scheme.ECDSA_SHA256),
        (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         ["dgst", "-sha384", "-sign"], Scheme.ECDSA_SHA384),
        (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         ["dgst", "-sha256", "-sign"], Scheme.RSA_PKCS1),
        (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
         ["dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sign"], Scheme.RSA_PSS),
        (["-algorithm", "ED25519"], ["pkeyutl", "-sign", "-rawin", "-inkey"], Scheme.ED25519),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_openssl_made_holds(
    tmp_path: Path, make: list[str], sign: list[str], scheme: Scheme
) -> None:
    def openssl(*arguments: str) -> bytes:
        done = subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "message").write_bytes(MESSAGE)
    openssl("genpkey", *make, "-out", "key.pem")
    public = take_public_key(openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER"))
    file = ["-in", "message"] if sign[0] == "pkeyutl" else ["message"]
    proof = prove(public.spki, openssl(*sign, "key.pem", *file), MESSAGE)
    assert proof is not None
    assert proof.scheme is scheme


FIELD = 2**255 - 19
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
WEAK = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8, FIELD, FIELD + 1, FIELD + 5)
    for sign in (0, 1)
]


@pytest.mark.parametrize("raw", WEAK, ids=bytes.hex)
def test_a_point_of_small_order_or_in_a_second_encoding_is_no_key(raw: bytes) -> None:
    """Four of them are one point, for which one signature that nobody made always holds."""
    spki = generate_key(Algorithm.ED25519).public.spki[:-32] + raw
    with pytest.raises(DocumentError, match="not a key that is accepted"):
        take_public_key(spki)


@pytest.mark.parametrize("raw", WEAK[:10], ids=bytes.hex)
def test_the_library_would_take_it_and_anybody_could_sign(raw: bytes) -> None:
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    except UnsupportedAlgorithm:
        pytest.skip("Ed25519 is not allowed here")
    nobodys = (1).to_bytes(32, "little") + bytes(32)

    def holds(number: int) -> bool:
        try:
            key.verify(nobodys, b"%d" % number)
        except InvalidSignature:
            return False
        return True

    assert any(map(holds, range(1000)))
