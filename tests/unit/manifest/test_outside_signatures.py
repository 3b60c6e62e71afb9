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
from localai.manifest.signing import add_signature, attach_signatures, take_signatures

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
        [(mine, public)] = take_signatures(MANIFEST_TYPE, BODY, content, keys_of(office))
        assert public == second.public
        assert mine.keyid == second.public.fingerprint
        assert mine.value[0] == 0x30  # DER, whatever came: other tools take nothing else
        assert verify(MANIFEST_TYPE, BODY, [mine], [public])


def test_a_signature_over_the_file_itself_is_told_apart(office: Office) -> None:
    with pytest.raises(DocumentError, match="over the file itself") as refused:
        take_signatures(MANIFEST_TYPE, BODY, office.officers[0].sign(BODY), keys_of(office))
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
        take_signatures(MANIFEST_TYPE, BODY, make(office), keys_of(office))


def test_an_attached_signature_counts_as_one_that_was_made_here(office: Office) -> None:
    first, second, _ = office.officers
    keys = keys_of(office)
    present = add_signature(MANIFEST_TYPE, BODY, first, None, keys)
    made = take_signatures(MANIFEST_TYPE, BODY, second.sign(PAYLOAD), keys)
    both = attach_signatures(MANIFEST_TYPE, BODY, made, present, keys)
    holding = verify(MANIFEST_TYPE, BODY, parse_envelope(both).signatures, keys)
    assert holding == {first.public.fingerprint, second.public.fingerprint}
    again = attach_signatures(MANIFEST_TYPE, BODY, made, both, keys)
    assert len(parse_envelope(again).signatures) == 2


def test_a_signature_in_the_name_of_another_replaces_nothing(office: Office) -> None:
    """Whose a signature is follows from the key for which it holds, never from a key id."""
    first, second, _ = office.officers
    keys = keys_of(office)
    present = add_signature(MANIFEST_TYPE, BODY, first, None, keys)
    made = take_signatures(MANIFEST_TYPE, BODY, sign(MANIFEST_TYPE, BODY, second).value, keys)
    assert [public for _, public in made] == [second.public]
    signed = parse_envelope(attach_signatures(MANIFEST_TYPE, BODY, made, present, keys))
    assert [one.keyid for one in signed.signatures] == [
        first.public.fingerprint,
        second.public.fingerprint,
    ]


def test_two_officers_who_signed_copies_at_once_are_brought_together(office: Office) -> None:
    """Whichever copy the other's signatures are attached to, and however often."""
    first, second, third = office.officers
    keys = keys_of(office)
    mine = add_signature(MANIFEST_TYPE, BODY, first, None, keys)
    theirs = office.sign(BODY, [office.stranger, second, third])
    together = attach_signatures(
        MANIFEST_TYPE, BODY, take_signatures(MANIFEST_TYPE, BODY, theirs, keys), mine, keys
    )
    again = attach_signatures(
        MANIFEST_TYPE, BODY, take_signatures(MANIFEST_TYPE, BODY, together, keys), together, keys
    )
    for envelope in (together, again):
        signatures = parse_envelope(envelope).signatures
        assert len(signatures) == 3
        assert verify(MANIFEST_TYPE, BODY, signatures, keys) == {key.fingerprint for key in keys}


def test_a_copys_signatures_that_were_cut_short_are_told(office: Office) -> None:
    whole = office.sign(BODY)
    for length in range(1, len(whole) - 1):
        with pytest.raises(DocumentError) as refused:
            take_signatures(MANIFEST_TYPE, BODY, whole[:length], keys_of(office))
        assert refused.value.message.startswith("line ")
    with pytest.raises(DocumentError, match="none of the keys"):
        take_signatures(MANIFEST_TYPE, BODY, office.sign(BODY + b" "), keys_of(office))
