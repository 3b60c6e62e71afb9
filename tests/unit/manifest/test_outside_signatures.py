"""Signatures that came from outside: recognised, told apart, and put beside the others."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from office import Office

from localai.errors import DocumentError
from localai.manifest.envelope import (
    MANIFEST_TYPE,
    ROOT_TYPE,
    encode_for_signing,
    parse_envelope,
)
from localai.manifest.signature import PrivateKey, PublicKey, sign, verify
from localai.manifest.signing import add_signature, attach_signature, take_signature

BODY = b"body\n"
PAYLOAD = encode_for_signing(MANIFEST_TYPE, BODY)


def keys_of(office: Office) -> list[PublicKey]:
    return [key.public for key in office.root.manifest.keys]


def side_by_side(key: PrivateKey, message: bytes) -> bytes:
    return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(key.sign(message)))


def test_a_signature_is_recognised_in_every_form(office: Office) -> None:
    second = office.officers[1]
    der, raw = second.sign(PAYLOAD), side_by_side(second, PAYLOAD)
    wrapped = b64encode(der)[:40] + b"\r\n" + b64encode(der)[40:] + b"\r\n"
    for content in (der, raw, b64encode(der), b64encode(raw) + b"\n", wrapped):
        mine, public = take_signature(MANIFEST_TYPE, BODY, content, keys_of(office))
        assert public == second.public
        assert mine.keyid == second.public.fingerprint
        assert mine.value[0] == 0x30  # DER, whatever came: other tools take nothing else
        assert verify(MANIFEST_TYPE, BODY, [mine], [public])


def test_a_signature_over_the_file_itself_is_told_apart(office: Office) -> None:
    with pytest.raises(DocumentError, match="over the file itself") as refused:
        take_signature(MANIFEST_TYPE, BODY, office.officers[0].sign(BODY), keys_of(office))
    assert "--print-payload" in refused.value.hint


@pytest.mark.parametrize(
    "make",
    [
        lambda office: office.stranger.sign(PAYLOAD),
        lambda office: office.officers[0].sign(PAYLOAD + b" "),
        lambda office: office.officers[0].sign(encode_for_signing(ROOT_TYPE, BODY)),
        lambda office: office.officers[0].sign(PAYLOAD)[:-1],
        lambda office: b"",
        lambda office: b"hello\n",
        lambda office: bytes(72),
    ],
    ids=["stranger", "other-bytes", "other-type", "cut-short", "empty", "text", "zeros"],
)
def test_what_holds_for_nobody_is_refused(office: Office, make: object) -> None:
    assert callable(make)
    with pytest.raises(DocumentError, match="none of the keys"):
        take_signature(MANIFEST_TYPE, BODY, make(office), keys_of(office))


def test_an_attached_signature_counts_as_one_that_was_made_here(office: Office) -> None:
    first, second, _ = office.officers
    keys = keys_of(office)
    present = add_signature(MANIFEST_TYPE, BODY, first, None, keys)
    mine, public = take_signature(MANIFEST_TYPE, BODY, second.sign(PAYLOAD), keys)
    both = attach_signature(MANIFEST_TYPE, BODY, mine, public, present, keys)
    holding = verify(MANIFEST_TYPE, BODY, parse_envelope(both).signatures, keys)
    assert holding == {first.public.fingerprint, second.public.fingerprint}
    again = attach_signature(MANIFEST_TYPE, BODY, mine, public, both, keys)
    assert len(parse_envelope(again).signatures) == 2


def test_a_signature_in_the_name_of_another_replaces_nothing(office: Office) -> None:
    """Whose a signature is follows from the key for which it holds, never from a key id."""
    first, second, _ = office.officers
    keys = keys_of(office)
    present = add_signature(MANIFEST_TYPE, BODY, first, None, keys)
    mine, public = take_signature(
        MANIFEST_TYPE, BODY, sign(MANIFEST_TYPE, BODY, second).value, keys
    )
    assert public == second.public
    signed = parse_envelope(attach_signature(MANIFEST_TYPE, BODY, mine, public, present, keys))
    assert [one.keyid for one in signed.signatures] == [
        first.public.fingerprint,
        second.public.fingerprint,
    ]
