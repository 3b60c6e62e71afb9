"""Bundles of OpenSSF Model Signing: what holds, and everything that does not."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from copy import deepcopy
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from bundles import (
    BUNDLES,
    LISTED,
    STATEMENTS,
    Change,
    sign_payload,
    statement_of,
    whole,
    with_bundle,
    with_files,
    with_material,
    with_predicate,
    with_serialization,
    with_statement,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from localai.errors import DocumentError, KeyFileError
from localai.findings import Finding, Verdict
from localai.manifest.algorithm import Algorithm
from localai.manifest.oms import Signed, judge_bundle, judge_file
from localai.manifest.omsbundle import LIMIT, PAYLOAD_TYPE, WHOLE, write_bundle
from localai.manifest.signature import PrivateKey, generate_key, sign

A, B = LISTED


@pytest.fixture(scope="module")
def private() -> PrivateKey:
    return generate_key()


@pytest.fixture(scope="module")
def signed(private: PrivateKey) -> Signed:
    found = judge_bundle(write_bundle("model", LISTED, private), private.public)
    assert isinstance(found, Signed), found
    return found


def wrong(raw: bytes, private: PrivateKey) -> Finding:
    found = judge_bundle(raw, private.public)
    assert isinstance(found, Finding), found
    assert found.refuses
    assert found.remedy
    return found


@pytest.mark.parametrize("algorithm", [Algorithm.P256, Algorithm.P384])
def test_what_was_written_holds(algorithm: Algorithm) -> None:
    private = generate_key(algorithm)
    raw = write_bundle("model", reversed(LISTED), private)
    found = judge_bundle(raw, private.public)
    assert found == Signed("model", dict(LISTED), private.public.fingerprint)


@pytest.mark.parametrize("case", STATEMENTS)
def test_signed_all_the_same(case: str, private: PrivateKey) -> None:
    """The key's owner is no friend either: the signature of each of these holds."""
    change, summary, evidence = STATEMENTS[case]
    found = wrong(with_statement(change, private), private)
    assert found.summary == summary
    assert evidence in found.evidence
    not_checked = summary == "not checked"
    assert found.verdict is (Verdict.NOT_CHECKED if not_checked else Verdict.FAIL)


@pytest.mark.parametrize("case", BUNDLES)
def test_changed_outside_of_what_is_signed(case: str, private: PrivateKey) -> None:
    change, summary, evidence = BUNDLES[case]
    found = wrong(with_bundle(change, private), private)
    assert found.summary == summary
    assert evidence in found.evidence


@pytest.mark.parametrize(
    "change",
    [
        with_serialization(ignore_paths=["model.sig", "/elsewhere", "../beside"]),
        with_serialization(allow_symlinks=True),
        with_predicate(model_card={"pages": 1.0}),  # OMS 1.0: others are not looked at
    ],
)
def test_what_may_differ(change: Change, private: PrivateKey) -> None:
    found = judge_bundle(with_statement(change, private), private.public)
    assert isinstance(found, Signed)
    assert found.files == dict(LISTED)


def test_a_bundle_need_not_name_its_key(private: PrivateKey) -> None:
    """What is not signed cannot be relied on, so that nothing is lost without it."""
    unnamed = with_bundle(with_material(publicKey={}), private)
    assert isinstance(judge_bundle(unnamed, private.public), Signed)
    found = judge_bundle(unnamed, generate_key().public)
    assert isinstance(found, Finding)
    assert found.summary == "not signed by this key"


@pytest.mark.parametrize("algorithm", [Algorithm.P256, Algorithm.P384])
def test_another_key(private: PrivateKey, algorithm: Algorithm) -> None:
    found = judge_bundle(write_bundle("model", LISTED, private), generate_key(algorithm).public)
    assert isinstance(found, Finding)
    assert found.summary == "signed by another key"


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.RSA])
def test_kinds_of_key_that_the_format_does_not_have(algorithm: Algorithm) -> None:
    """Even where the signature is one by that key."""
    other = generate_key(algorithm)
    with pytest.raises(KeyFileError, match=f"the key is {algorithm}"):
        write_bundle("model", LISTED, other)
    document = whole(generate_key())
    payload = b64decode(document["dsseEnvelope"]["payload"])
    document["verificationMaterial"]["publicKey"] = {}
    raw = json.dumps(sign_payload(document, payload, other)).encode()
    assert wrong(raw, other).summary == "the wrong kind of key"


def test_numbers_side_by_side_are_no_signature_to_others(private: PrivateKey) -> None:
    """As .NET writes ECDSA: it holds for manifests, and for no other reader of bundles."""
    document = whole(private)
    value = b64decode(document["dsseEnvelope"]["signatures"][0]["sig"])
    flat = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(value))
    document["dsseEnvelope"]["signatures"][0]["sig"] = b64encode(flat).decode()
    assert wrong(json.dumps(document).encode(), private).summary == "not signed by this key"


def test_the_signature_is_over_the_type_as_well(private: PrivateKey) -> None:
    """A statement that the same key signed as something else is none."""
    document = whole(private)
    payload = b64decode(document["dsseEnvelope"]["payload"])
    assert statement_of(document)
    value = sign("text/plain", payload, private).value
    document["dsseEnvelope"]["signatures"] = [{"sig": b64encode(value).decode()}]
    assert wrong(json.dumps(document).encode(), private).summary == "not signed by this key"
    value = sign(PAYLOAD_TYPE, payload, private).value
    document["dsseEnvelope"]["signatures"] = [{"sig": b64encode(value).decode()}]
    assert isinstance(judge_bundle(json.dumps(document).encode(), private.public), Signed)


def test_a_key_twice_in_what_was_signed(private: PrivateKey) -> None:
    """One reader would take the first, another the last."""
    document = whole(private)
    payload = b64decode(document["dsseEnvelope"]["payload"])
    twice = payload.replace(b'"subject":', b'"subject": [], "subject":', 1)
    raw = json.dumps(sign_payload(document, twice, private)).encode()
    assert "'subject' stands twice" in wrong(raw, private).evidence


def test_cut_short_anywhere(private: PrivateKey) -> None:
    raw = write_bundle("model", LISTED, private).rstrip(b"\n")
    for end in range(0, len(raw), 7):
        assert wrong(raw[:end], private).summary == "malformed bundle"


def test_no_byte_of_it_makes_it_say_something_else(private: PrivateKey) -> None:
    raw = write_bundle("model", LISTED, private)
    meant = judge_bundle(raw, private.public)
    for at in range(len(raw)):
        found = judge_bundle(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], private.public)
        assert found == meant or isinstance(found, Finding), at


ODD = st.sampled_from(
    ["", "x", ".", "..", "/", "a.gguf", "./a.gguf", "sub", "sub/", "sha512", "shards", A[1],
     "0" * 64, "a\u202e", True, 1, 1.5, None, [], {}, ["sub"], ["."], {"name": "x"}]
)  # fmt: skip
KEY = generate_key()


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as what holds it and its key or number there."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    found = [(node, key) for key in keys]
    inner = [node[key] for key in keys if isinstance(node[key], dict | list)]
    return [*found, *(place for one in inner for place in places(one))]


@given(st.data())
def test_whatever_was_signed_is_sound_or_refused(data: st.DataObject) -> None:
    def change(statement: dict[str, Any]) -> None:
        for _ in range(data.draw(st.integers(1, 3))):
            holder, key = data.draw(st.sampled_from(places(statement)))
            holder[key] = deepcopy(data.draw(ODD))

    found = judge_bundle(with_statement(change, KEY), KEY.public)
    if isinstance(found, Finding):
        assert found.refuses
        return
    assert len(found.files) in (1, 2)
    for path in map(PurePosixPath, found.files):
        assert not path.is_absolute()
        assert ".." not in path.parts


def test_oversized(private: PrivateKey) -> None:
    raw = write_bundle("model", LISTED, private)
    assert f"more than the {LIMIT}" in wrong(raw + b" " * LIMIT, private).evidence


def test_many_files(private: PrivateKey) -> None:
    def many(count: int) -> bytes:
        files = [(f"part-{number}.bin", f"{number:064x}") for number in range(count)]
        return write_bundle("model", files, private)

    found = judge_bundle(many(10_000), private.public)
    assert isinstance(found, Signed)
    assert len(found.files) == 10_000
    assert "at most 10000" in wrong(many(10_001), private).evidence


def test_a_file_is_known_by_content_and_name(signed: Signed) -> None:
    key = f", by the key {signed.key}"
    expected = ("signed", f"as a.gguf of model{key}")
    found = judge_file(signed, "a.gguf", A[1])
    assert (found.verdict, (found.summary, found.evidence)) == (Verdict.PASS, expected)
    assert judge_file(signed, "b.json", B[1]).evidence == f"as sub/b.json of model{key}"
    for name, digest, summary in (
        ("a.gguf", B[1], "signed under another name"),  # swapped
        ("c.gguf", A[1], "signed under another name"),
        ("a.gguf", "0" * 64, "not what was signed"),
        ("c.gguf", "0" * 64, "not in the bundle"),
    ):
        found = judge_file(signed, name, digest)
        assert (found.verdict, found.summary) == (Verdict.FAIL, summary)
        assert found.remedy


def test_a_model_of_one_file_may_have_any_name(private: PrivateKey) -> None:
    found = judge_bundle(write_bundle("a.gguf", [(WHOLE, A[1])], private), private.public)
    assert isinstance(found, Signed)
    assert judge_file(found, "renamed.gguf", A[1]).verdict is Verdict.PASS
    assert judge_file(found, "a.gguf", B[1]).summary == "not what was signed"


def test_two_files_of_one_name(private: PrivateKey) -> None:
    raw = with_statement(with_files(("x/a.gguf", A[1]), ("y/a.gguf", B[1])), private)
    found = judge_bundle(raw, private.public)
    assert isinstance(found, Signed)
    assert "as x/a.gguf" in judge_file(found, "a.gguf", A[1]).evidence
    assert "as y/a.gguf" in judge_file(found, "a.gguf", B[1]).evidence


def test_a_key_of_another_curve_is_not_even_read(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from localai.manifest.keyfile import load_public

    for curve in (ec.SECP521R1(), ec.SECP256K1()):
        public = ec.generate_private_key(curve).public_key()
        path = tmp_path / "key.pub"
        path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(DocumentError, match="not a key that is accepted"):
            load_public(path)
