"""Signing: several officers, one after the other, and what a change does to their signatures."""

from __future__ import annotations

import pytest
from office import TODAY, Office

from localai.errors import DocumentError
from localai.manifest.envelope import MANIFEST_TYPE, parse_envelope
from localai.manifest.signature import verify
from localai.manifest.signing import add_signature, begin_manifest, found_root
from localai.manifest.trust import RoleKey, fingerprint_root
from localai.manifest.verify import Authority, verify_manifest, verify_root
from localai.manifest.write import write_manifest

BODY = b"body\n"


def test_two_officers_sign_one_after_the_other(office: Office) -> None:
    first, second, _ = office.officers
    trusted = [key.public for key in office.root.manifest.keys]
    envelope = add_signature(MANIFEST_TYPE, BODY, first, None, trusted)
    envelope = add_signature(MANIFEST_TYPE, BODY, second, envelope, trusted)
    assert len(parse_envelope(envelope).signatures) == 2
    holding = verify(MANIFEST_TYPE, BODY, parse_envelope(envelope).signatures, trusted)
    assert holding == {first.public.fingerprint, second.public.fingerprint}


def test_signing_again_replaces_ones_own(office: Office) -> None:
    envelope = None
    for _ in range(3):
        envelope = add_signature(MANIFEST_TYPE, BODY, office.officers[0], envelope, None)
    assert envelope
    assert len(parse_envelope(envelope).signatures) == 1


def test_signatures_over_other_bytes_go(office: Office) -> None:
    first, second, _ = office.officers
    trusted = [key.public for key in office.root.manifest.keys]
    before = add_signature(MANIFEST_TYPE, b"before", first, None, trusted)
    after = parse_envelope(add_signature(MANIFEST_TYPE, b"after", second, before, trusted))
    assert [signature.keyid for signature in after.signatures] == [second.public.fingerprint]


def test_signatures_stay_if_nobody_knows_whose_keys_count(office: Office) -> None:
    before = add_signature(MANIFEST_TYPE, BODY, office.stranger, None, None)
    after = add_signature(MANIFEST_TYPE, BODY, office.officers[0], before, None)
    assert len(parse_envelope(after).signatures) == 2


def test_a_malformed_envelope_is_not_overwritten(office: Office) -> None:
    with pytest.raises(DocumentError):
        add_signature(MANIFEST_TYPE, BODY, office.officers[0], b"{", None)


def test_from_nothing_to_a_verified_manifest(office: Office) -> None:
    key, other, _ = office.officers
    signers = [RoleKey("me", key.public), RoleKey("you", other.public)]
    raw, envelope = found_root(key, signers, 2, TODAY)
    trust = verify_root(raw, envelope, Authority.OWN, fingerprint_root(raw), TODAY)
    assert trust.root
    assert [signer.name for signer in trust.root.root.keys] == ["me"]
    body = write_manifest(begin_manifest("new", TODAY))
    signed = add_signature(MANIFEST_TYPE, body, key, None, None)
    verification = verify_manifest(body, signed, trust, today=TODAY, floors={})
    assert verification.findings[0].summary == "too few signatures"
    signed = add_signature(MANIFEST_TYPE, body, other, signed, None)
    verification = verify_manifest(body, signed, trust, today=TODAY, floors={})
    assert not verification.findings[0].refuses
    assert verification.signers == ("me", "you")


def test_no_root_without_its_owner_or_beyond_its_keys(office: Office) -> None:
    key, other, _ = office.officers
    with pytest.raises(DocumentError, match="can never be reached"):
        found_root(key, [RoleKey("you", other.public)], 1, TODAY)
    with pytest.raises(DocumentError, match="can never be reached"):
        found_root(key, [RoleKey("me", key.public)], 2, TODAY)
    with pytest.raises(DocumentError, match="stands twice"):
        found_root(key, [RoleKey("me", key.public), RoleKey("again", key.public)], 1, TODAY)


def test_until_the_next_change_the_replaced_bytes_stay_signed(office: Office) -> None:
    first, second, _ = office.officers
    trusted = [key.public for key in office.root.manifest.keys]
    bodies = (b"one", b"two", b"three")
    one = add_signature(MANIFEST_TYPE, bodies[0], first, None, trusted)
    two = add_signature(MANIFEST_TYPE, bodies[1], first, one, trusted, bodies[0])
    again = add_signature(MANIFEST_TYPE, bodies[1], second, two, trusted, bodies[1])
    three = add_signature(MANIFEST_TYPE, bodies[2], second, two, trusted, bodies[1])

    def held(envelope: bytes) -> list[int]:
        signed = parse_envelope(envelope).signatures
        return [len(verify(MANIFEST_TYPE, body, signed, trusted)) for body in bodies]

    assert [held(made) for made in (one, two, again, three)] == [
        [1, 0, 0], [1, 1, 0], [0, 2, 0], [0, 1, 1],
    ]  # fmt: skip
