"""Envelopes: what is read, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localai.errors import DocumentError
from localai.manifest.envelope import (
    LIMIT,
    MOST_SIGNATURES,
    Envelope,
    Signature,
    envelope_beside,
    parse_envelope,
    parse_self_contained,
    write_envelope,
    write_self_contained,
)

GOOD = Envelope("application/x-test", (Signature("a", b"\x00\xff"), Signature("b", b"x" * 72)))


def test_it_survives() -> None:
    assert parse_envelope(write_envelope(GOOD)) == GOOD
    assert parse_envelope(write_envelope(Envelope("t", ()))) == Envelope("t", ())


def test_the_key_id_may_be_left_out() -> None:
    raw = b'{"payloadType": "t", "signatures": [{"sig": "AA=="}]}'
    assert parse_envelope(raw) == Envelope("t", (Signature("", b"\x00"),))


SIG = {"keyid": "a", "sig": "AA=="}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "payloadType: missing"),
        ({"payloadType": "t"}, "signatures: missing"),
        ({"payloadType": "t", "signatures": {}}, "a list was expected"),
        ({"payloadType": "t", "signatures": ["AA=="]}, "a mapping was expected"),
        ({"payloadType": "t", "signatures": [{"keyid": "a"}]}, "sig: missing"),
        ({"payloadType": "t", "signatures": [{"sig": "%%"}]}, "is not base64"),
        ({"payloadType": "t", "signatures": [{"sig": "AA"}]}, "is not base64"),
        ({"payloadType": "t", "signatures": [{"sig": "A A="}]}, "is not base64"),
        ({"payloadType": "t", "signatures": [{"sig": "é"}]}, "is not base64"),
        ({"payloadType": "t", "signatures": [{"sig": "A" * 1372}]}, "at most 1368"),
        ({"payloadType": "t", "signatures": [SIG] * (MOST_SIGNATURES + 1)}, "at most 32"),
        ({"payloadType": "t", "signatures": [SIG], "payload": "AA=="}, "unknown key 'payload'"),
        ({"payloadType": "t", "signatures": [{**SIG, "cert": "x"}]}, "unknown key 'cert'"),
        ({"payloadType": "", "signatures": []}, "payloadType: empty"),
        ({"payloadType": ["t"], "signatures": []}, "text was expected"),
    ],
)
def test_malformed(document: object, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_envelope(json.dumps(document).encode())
    assert problem in caught.value.message


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", b"[]", b"null", b"{", b'{"payloadType": "t"', b"\xff"]
)
def test_not_even_an_object(raw: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_envelope(raw)


def test_a_second_type_is_refused() -> None:
    with pytest.raises(DocumentError, match="'payloadType' stands twice"):
        parse_envelope(b'{"payloadType": "a", "payloadType": "b", "signatures": []}')


def test_oversized() -> None:
    with pytest.raises(DocumentError, match=f"more than the {LIMIT}"):
        parse_envelope(write_envelope(GOOD) + b" " * LIMIT)


def test_with_its_body_inside() -> None:
    body = bytes(range(256))
    whole = write_self_contained(GOOD, body)
    assert parse_self_contained(whole, limit=len(whole)) == (body, GOOD)
    assert parse_self_contained(whole, limit=len(whole) - 1) is None
    assert parse_self_contained(write_envelope(GOOD), limit=1000) is None
    assert parse_self_contained(b"schema: localai.manifest/1", limit=1000) is None
    assert parse_self_contained(b"[]", limit=1000) is None


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("payload", "a?==", "payload: is not base64"),
        ("payload", [], "payload"),
        ("payloadType", "", "payloadType: empty"),
        ("signatures", [{"sig": "?"}], "sig: is not base64"),
        ("more", "x", "more"),
    ],
)
def test_a_body_in_a_malformed_envelope(name: str, value: object, problem: str) -> None:
    document = json.loads(write_self_contained(GOOD, b"body")) | {name: value}
    with pytest.raises(DocumentError, match=problem):
        parse_self_contained(json.dumps(document).encode(), limit=1000)


def test_where_it_lies() -> None:
    assert envelope_beside(Path("/a/allowlist.yaml")) == Path("/a/allowlist.dsse.json")
    assert envelope_beside(Path("/a/root.json")) == Path("/a/root.dsse.json")
    assert envelope_beside(Path("/a/v1.2.yaml")) == Path("/a/v1.2.dsse.json")
