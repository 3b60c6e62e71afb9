"""Keys and signatures: what is signed, which keys count, and that a key has one encoding."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from localai.errors import DocumentError, KeyFileError
from localai.manifest import pkcs8
from localai.manifest.algorithm import Algorithm
from localai.manifest.envelope import Signature, encode_for_signing
from localai.manifest.signature import (
    PrivateKey,
    PublicKey,
    generate_key,
    load_private_key,
    read_public_key,
    sign,
    take_public_key,
    verify,
    write_private_key,
    write_private_key_unencrypted,
)

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")

BODY = b"the body\n"
KIND = "application/x-test"


Other = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | x25519.X25519PrivateKey
    | ed448.Ed448PrivateKey
)


def tlv(tag: int, content: bytes) -> bytes:
    """Tag, length in the fewest bytes, value."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 + len(length))) + length + content


def write_rsa(
    modulus: int,
    exponent: bytes = tlv(0x02, b"\1\0\1"),
    number: bytes = b"",
    algorithm: bytes = bytes.fromhex("300d06092a864886f70d0101010500"),
) -> bytes:
    """A SubjectPublicKeyInfo, by other code than the code under test."""
    number = number or modulus.to_bytes(modulus.bit_length() // 8 + 1, "big")
    key = tlv(0x30, tlv(0x02, number) + exponent)
    return tlv(0x30, algorithm + tlv(0x03, b"\0" + key))


def modulus_of(key: PrivateKey) -> int:
    public = load_der_public_key(key.public.spki)
    assert isinstance(public, rsa.RSAPublicKey)
    return public.public_numbers().n


@pytest.fixture(scope="module")
def rsa_key() -> PrivateKey:
    return generate_key(Algorithm.RSA)


@pytest.fixture(params=Algorithm)
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    return Algorithm(request.param)


def test_dsse_own_example() -> None:
    """The example in DSSE's protocol.md."""
    encoded = encode_for_signing("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_dsse_own_signature_verifies() -> None:
    """The key and the signature that DSSE's protocol.md publishes for its example."""
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    numbers = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public = take_public_key(numbers.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    raw = b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    kind = "http://example.com/HelloWorld"
    assert verify(kind, b"hello world", [Signature("", der)], [public]) == {public.fingerprint}
    assert not verify(kind, b"hello World", [Signature("", der)], [public])


def test_lengths_are_in_bytes() -> None:
    assert encode_for_signing("é", "ü".encode()) == "DSSEv1 2 é 2 ü".encode()


def test_a_signature_holds_for_its_body_type_and_key_only(algorithm: Algorithm) -> None:
    key, other = generate_key(algorithm), generate_key(algorithm)
    signature = sign(KIND, BODY, key)
    both = (key.public, other.public)
    assert verify(KIND, BODY, [signature], both) == {key.public.fingerprint}
    assert not verify(KIND, BODY + b" ", [signature], both)
    assert not verify(KIND + "x", BODY, [signature], both)
    assert not verify(KIND, BODY, [signature], [other.public])
    assert not verify(KIND, BODY, [Signature(signature.keyid, b"")], both)
    for at in (0, 5, len(signature.value) - 1):
        flipped = bytearray(signature.value)
        flipped[at] ^= 1
        assert not verify(KIND, BODY, [Signature(signature.keyid, bytes(flipped))], both)


def test_the_key_id_decides_nothing() -> None:
    key, other = generate_key(), generate_key()
    signature = sign(KIND, BODY, key)
    renamed = Signature(other.public.fingerprint, signature.value)
    assert verify(KIND, BODY, [renamed], [key.public, other.public]) == {key.public.fingerprint}
    assert verify(KIND, BODY, [Signature("", signature.value)], [key.public])


def test_one_key_counts_once() -> None:
    key = generate_key()
    signatures = [sign(KIND, BODY, key), sign(KIND, BODY, key)]
    assert signatures[0].value != signatures[1].value
    assert len(verify(KIND, BODY, signatures, [key.public, key.public])) == 1
    again = PublicKey(bytes(key.public.spki))
    assert len(verify(KIND, BODY, signatures, [key.public, again])) == 1


def test_a_key_has_one_encoding() -> None:
    """A compressed or hybrid point would be the same key with another fingerprint."""
    key = generate_key()
    point = key.public.spki[-65:]
    x, y = point[1:33], point[33:]
    prefix = key.public.spki[:-65]
    assert take_public_key(prefix + b"\x04" + x + y) == key.public
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    compressed = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    for other in (
        head + compressed,
        prefix + bytes([6 + y[-1] % 2]) + x + y,  # hybrid, X9.62
        prefix + b"\x04" + x + y + b"\x00",
    ):
        with pytest.raises(DocumentError, match="not a key that is accepted"):
            take_public_key(other)


def test_a_key_that_is_not_accepted_is_told_what_it_is() -> None:
    for private, said in (
        (ec.generate_private_key(ec.SECP521R1()), "found ECDSA on secp521r1"),
        (rsa.generate_private_key(3, 2048), "found RSA of 2048 bits with the exponent 3"),
        (None, "found none that can be read"),
    ):
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        spki = private.public_key().public_bytes(*form) if private else b"hello"
        with pytest.raises(DocumentError, match=said):
            take_public_key(spki)


def test_a_point_off_the_curve_is_no_key() -> None:
    spki = bytearray(generate_key().public.spki)
    spki[-1] ^= 1
    with pytest.raises(DocumentError):
        take_public_key(bytes(spki))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ec.generate_private_key(ec.SECP224R1()),
        lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: rsa.generate_private_key(65537, 2040),
        lambda: rsa.generate_private_key(3, 2048),
        lambda: dsa.generate_private_key(2048),
        lambda: x25519.X25519PrivateKey.generate(),
        lambda: ed448.Ed448PrivateKey.generate(),
    ],
    ids=["p521", "secp256k1", "p224", "brainpool", "rsa-1024", "rsa-2040", "rsa-e-3", "dsa",
         "x25519", "ed448"],
)  # fmt: skip
def test_other_keys_are_refused(make: Callable[[], Other]) -> None:
    other = make()
    public = other.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(DocumentError, match="not a key that is accepted"):
        take_public_key(spki)
    with pytest.raises(DocumentError, match="not a key that is accepted"):
        read_public_key(spki)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyFileError, match="not a key that is accepted"):
        load_private_key(pem, None)


@pytest.mark.parametrize("exponent", [1, 3, 257, 65536, 2**32 + 1, 2**255 + 1])
def test_an_rsa_key_has_the_one_exponent(rsa_key: PrivateKey, exponent: int) -> None:
    number = exponent.to_bytes(exponent.bit_length() // 8 + 1, "big")
    spki = write_rsa(modulus_of(rsa_key), tlv(0x02, number))
    with pytest.raises(DocumentError, match="exponent 65537"):
        take_public_key(spki)


@pytest.mark.parametrize("bits", [512, 1024, 2047, 8193, 16384])
def test_an_rsa_key_is_neither_short_nor_huge(bits: int) -> None:
    with pytest.raises(DocumentError, match="2048 to 8192 bits"):
        take_public_key(write_rsa(2 ** (bits - 1) + 1))
    assert take_public_key(write_rsa(2**2047 + 1)).algorithm is Algorithm.RSA
    assert take_public_key(write_rsa(2**8191 + 1)).algorithm is Algorithm.RSA


def test_an_rsa_key_has_one_encoding(rsa_key: PrivateKey) -> None:
    """Every other way to write the same numbers would be the same key with another fingerprint."""
    spki, n = rsa_key.public.spki, modulus_of(rsa_key)
    number = n.to_bytes(n.bit_length() // 8 + 1, "big")
    assert spki == write_rsa(n)
    pss = bytes.fromhex("300b06092a864886f70d01010a")
    without_null = bytes.fromhex("300b06092a864886f70d010101")
    for other in (
        spki + b"\0",
        write_rsa(n, algorithm=pss),
        write_rsa(n, algorithm=without_null),
        write_rsa(n, number=b"\0" + number),  # a zero too many
        write_rsa(n, number=number[1:]),  # a negative number
        write_rsa(n, tlv(0x02, b"\0\1\0\1")),
        write_rsa(n + 1),  # even
        spki[:24] + b"\1" + spki[25:],  # unused bits
    ):
        assert other != spki
        with pytest.raises(DocumentError, match="not a key that is accepted"):
            take_public_key(other)


def test_public_keys_survive_pem(algorithm: Algorithm) -> None:
    public = generate_key(algorithm).public
    assert read_public_key(public.pem.encode()) == public
    assert public.algorithm is algorithm


@pytest.mark.parametrize(
    "pem",
    ["", "hello", "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----\n",
     "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
)  # fmt: skip
def test_what_is_no_public_key(pem: str) -> None:
    with pytest.raises(DocumentError):
        read_public_key(pem.encode())


def test_the_library_agrees_on_the_encoding(algorithm: Algorithm) -> None:
    key = generate_key(algorithm)
    loaded = load_pem_private_key(write_private_key_unencrypted(key).encode(), None)
    kinds = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    assert isinstance(loaded, kinds)
    pem = loaded.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert key.public.pem.encode() == pem


def test_private_keys_survive_encryption(algorithm: Algorithm) -> None:
    key = generate_key(algorithm)
    pem = write_private_key(key, "correct horse").encode()
    assert load_private_key(pem, "correct horse").public == key.public
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        load_private_key(pem, "incorrect horse")
    with pytest.raises(KeyFileError, match="no passphrase was given"):
        load_private_key(pem, None)
    with pytest.raises(KeyFileError):
        load_private_key(pem, "")


def test_unencrypted_keys_need_no_passphrase(algorithm: Algorithm) -> None:
    key = generate_key(algorithm)
    pem = write_private_key_unencrypted(key).encode()
    assert load_private_key(pem, None).public == key.public
    assert load_private_key(pem, "whatever").public == key.public


@pytest.mark.parametrize("damage", [b"", b"hello", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA"])
def test_what_is_no_private_key(damage: bytes) -> None:
    with pytest.raises(KeyFileError):
        load_private_key(damage, "passphrase")


def openssl(directory: Path, *arguments: str) -> bytes:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, check=True)
    return done.stdout


@needs_openssl
def test_keys_that_openssl_made_can_sign(tmp_path: Path) -> None:
    """In PKCS#8, encrypted or not, and in the older forms of each kind."""
    phrase = ["-passout", "pass:correct horse"]
    openssl(tmp_path, "genrsa", "-traditional", "-out", "rsa.pem", "2048")
    openssl(tmp_path, "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "ec.pem")
    for name, kind in (("rsa", Algorithm.RSA), ("ec", Algorithm.P384)):
        plain = (tmp_path / f"{name}.pem").read_bytes()
        assert load_private_key(plain, None).public.algorithm is kind
        locked = openssl(tmp_path, "pkcs8", "-topk8", "-in", f"{name}.pem", *phrase)
        key = load_private_key(locked, "correct horse")
        assert key.public == load_private_key(plain, None).public
        assert verify(KIND, BODY, [sign(KIND, BODY, key)], [key.public])
        with pytest.raises(KeyFileError, match="no passphrase was given"):
            load_private_key(locked, None)


@needs_openssl
def test_a_key_encrypted_in_the_old_way_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """And the way out is one: the command in the hint makes a key that is accepted."""
    openssl(tmp_path, "genrsa", "-traditional", "-aes128", "-passout", "pass:horse",
            "-out", "OLD.pem", "2048")  # fmt: skip
    with pytest.raises(KeyFileError, match="expected PKCS#8") as refused:
        load_private_key((tmp_path / "OLD.pem").read_bytes(), None)
    command = [*refused.value.hint.split()[1:], "-passin", "pass:horse", "-passout", "pass:battery"]
    openssl(tmp_path, *command)
    key = load_private_key((tmp_path / "NEW.pem").read_bytes(), "battery")
    assert key.public.algorithm is Algorithm.RSA


@needs_openssl
def test_a_curve_spelt_out_is_refused(tmp_path: Path) -> None:
    """P-256 by its parameters instead of by its name (CVE-2020-0601 hid another curve there)."""
    made = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-pkeyopt", "ec_param_enc:explicit", "-out", "key.pem"]  # fmt: skip
    openssl(tmp_path, *made)
    spki = openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
    assert len(spki) > 300
    for content in (spki, openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout")):
        with pytest.raises(DocumentError, match="not a key that is accepted"):
            read_public_key(content)


def test_an_empty_passphrase_is_a_bug() -> None:
    with pytest.raises(ValueError, match="encrypts nothing"):
        write_private_key(generate_key(), "")


def test_two_encryptions_of_one_key_differ() -> None:
    key = generate_key()
    assert write_private_key(key, "correct horse") != write_private_key(key, "correct horse")


def test_a_private_key_shows_nothing_of_itself() -> None:
    key = generate_key()
    assert "_key" not in repr(key)
    assert "EllipticCurve" not in f"{key} {key!r}"


@needs_openssl
def test_openssl_reads_the_key_and_sees_the_rounds(tmp_path: Path, algorithm: Algorithm) -> None:
    key = generate_key(algorithm)
    path = tmp_path / "key.pem"
    path.write_text(write_private_key(key, "correct horse"))
    shown = subprocess.run(
        ["openssl", "pkey", "-in", path, "-passin", "pass:correct horse", "-pubout"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == key.public.pem
    parsed = subprocess.run(
        ["openssl", "asn1parse", "-in", path], capture_output=True, text=True, check=True
    ).stdout
    assert f":{pkcs8.ROUNDS:06X}" in parsed
    assert "hmacWithSHA256" in parsed
    assert "aes-256-cbc" in parsed


@needs_openssl
def test_openssl_verifies_our_signature(tmp_path: Path) -> None:
    """An officer can check a signature with nothing of ours."""
    key = generate_key()
    files = {
        "key.pem": key.public.pem.encode(),
        "signature": sign(KIND, BODY, key).value,
        "message": encode_for_signing(KIND, BODY),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
