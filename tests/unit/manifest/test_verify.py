"""Verifying a manifest: each way to be wrong, and the threshold of distinct keys."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from office import TODAY, VECTORS, Office, seal

from localai.findings import Verdict
from localai.manifest.envelope import (
    MANIFEST_TYPE,
    ROOT_TYPE,
    Envelope,
    Signature,
    parse_envelope,
    write_envelope,
)
from localai.manifest.floor import Floor
from localai.manifest.schema import LIMIT
from localai.manifest.signature import sign
from localai.manifest.verify import Authority, Trust, Verification, verify_manifest

RAW = (VECTORS / "accepted.yaml").read_bytes()  # version 3, 2026-01-01 to 2026-04-01


def check(
    office: Office,
    raw: bytes = RAW,
    envelope: bytes | None = None,
    *,
    today: date = TODAY,
    floors: dict[str, Floor] | None = None,
    trust: Trust | None = None,
) -> Verification:
    envelope = office.sign(raw) if envelope is None else envelope
    return verify_manifest(raw, envelope, trust or office.trust, today=today, floors=floors or {})


def refused_by_signature(verification: Verification, summary: str) -> None:
    signature, freshness = verification.findings
    assert (signature.check, freshness.check) == ("manifest-signature", "manifest-freshness")
    assert (signature.verdict, signature.summary) == (Verdict.FAIL, summary)
    assert freshness.verdict is Verdict.NOT_CHECKED
    assert signature.remedy
    assert verification.manifest is None
    assert verification.entries == ()
    assert verification.floor is None
    assert verification.signers == ()


def refused_by_freshness(verification: Verification, summary: str) -> None:
    signature, freshness = verification.findings
    assert not signature.refuses
    assert (freshness.verdict, freshness.summary) == (Verdict.FAIL, summary)
    assert freshness.remedy
    assert verification.entries == ()


def test_a_good_manifest(office: Office) -> None:
    verification = check(office)
    signature, freshness = verification.findings
    assert (signature.verdict, freshness.verdict) == (Verdict.NOTE, Verdict.PASS)
    assert signature.summary == "version 3"
    assert signature.evidence == "vectors, 2 of 2 signatures, own root of trust"
    assert freshness.summary == "59 days left"
    assert [entry.id for entry in verification.entries] == ["model-one"]
    assert verification.signers == ("officer-1", "officer-2")
    assert verification.threshold == 2
    assert verification.floor == Floor(3, verification.sha256, office.root.manifest.fingerprint)


def test_the_administrators_root_is_no_note(office: Office) -> None:
    trust = office.trust._replace(authority=Authority.ADMINISTRATOR)
    signature, _ = check(office, trust=trust).findings
    assert signature.verdict is Verdict.PASS
    assert "own root" not in signature.evidence


def test_more_signatures_than_needed(office: Office) -> None:
    keys = (office.stranger, *office.officers)
    assert len(check(office, envelope=office.sign(RAW, keys)).signers) == 3


def test_unsigned(office: Office) -> None:
    verification = verify_manifest(RAW, None, office.trust, today=TODAY, floors={})
    refused_by_signature(verification, "unsigned")


def test_no_signature_in_the_envelope(office: Office) -> None:
    refused_by_signature(
        check(office, envelope=office.sign(RAW, [])), "not signed by a trusted key"
    )


def test_signed_by_a_stranger(office: Office) -> None:
    envelope = office.sign(RAW, [office.stranger])
    refused_by_signature(check(office, envelope=envelope), "not signed by a trusted key")


def test_signed_by_a_stranger_under_an_officers_key_id(office: Office) -> None:
    forged = sign(MANIFEST_TYPE, RAW, office.stranger)
    envelope = write_envelope(
        Envelope(
            MANIFEST_TYPE,
            tuple(forged._replace(keyid=key.public.fingerprint) for key in office.officers),
        )
    )
    refused_by_signature(check(office, envelope=envelope), "not signed by a trusted key")


def test_below_the_threshold(office: Office) -> None:
    verification = check(office, envelope=office.sign(RAW, office.officers[:1]))
    refused_by_signature(verification, "too few signatures")
    assert "1 of 2 signatures: officer-1" in verification.findings[0].evidence


def test_one_officer_and_a_stranger_are_below_the_threshold(office: Office) -> None:
    envelope = office.sign(RAW, [office.officers[0], office.stranger])
    refused_by_signature(check(office, envelope=envelope), "too few signatures")


def test_one_key_twice_is_below_the_threshold(office: Office) -> None:
    envelope = office.sign(RAW, [office.officers[0]] * 2)
    refused_by_signature(check(office, envelope=envelope), "too few signatures")


def test_one_key_twice_under_two_key_ids(office: Office) -> None:
    first, second = (sign(MANIFEST_TYPE, RAW, office.officers[0]) for _ in range(2))
    renamed = Signature(office.officers[1].public.fingerprint, second.value)
    envelope = write_envelope(Envelope(MANIFEST_TYPE, (first, renamed)))
    refused_by_signature(check(office, envelope=envelope), "too few signatures")


def test_one_signature_twice(office: Office) -> None:
    once = sign(MANIFEST_TYPE, RAW, office.officers[0])
    envelope = write_envelope(Envelope(MANIFEST_TYPE, (once, once)))
    refused_by_signature(check(office, envelope=envelope), "too few signatures")


def test_one_key_twice_in_a_root_that_came_another_way(office: Office) -> None:
    """The root's own schema refuses this; the count does not rely on it."""
    root = office.root
    keys = root.manifest.keys
    twice = root.manifest._replace(keys=(keys[0], keys[0]._replace(name="again")))
    trust = office.trust._replace(root=root._replace(manifest=twice))
    verification = check(office, envelope=office.sign(RAW, office.officers[:1]), trust=trust)
    refused_by_signature(verification, "too few signatures")


def test_wrong_payload_type(office: Office) -> None:
    """Signatures that hold, but over something that is no manifest."""
    for kind in (ROOT_TYPE, "application/vnd.in-toto+json", MANIFEST_TYPE + "x"):
        envelope = seal(kind, RAW, office.officers)
        refused_by_signature(check(office, envelope=envelope), "signed as something else")


def test_payload_type_renamed_after_signing(office: Office) -> None:
    signed = parse_envelope(seal(ROOT_TYPE, RAW, office.officers))
    envelope = write_envelope(signed._replace(payload_type=MANIFEST_TYPE))
    refused_by_signature(check(office, envelope=envelope), "not signed by a trusted key")


@pytest.mark.parametrize("envelope", [b"", b"{", b"[]", b"{}", b"\xff", b"x" * 40_000])
def test_malformed_or_oversized_envelope(office: Office, envelope: bytes) -> None:
    refused_by_signature(check(office, envelope=envelope), "signatures malformed")


def test_every_byte_of_the_manifest_counts(office: Office) -> None:
    envelope = office.sign(RAW)
    for at in (0, len(RAW) // 2, len(RAW) - 1):
        changed = bytearray(RAW)
        changed[at] ^= 1
        refused_by_signature(check(office, bytes(changed), envelope), "not signed by a trusted key")
    refused_by_signature(check(office, RAW + b"\n", envelope), "not signed by a trusted key")
    refused_by_signature(check(office, RAW[:-1], envelope), "not signed by a trusted key")


def test_an_oversized_manifest_is_refused_however_well_signed(office: Office) -> None:
    raw = RAW.ljust(LIMIT + 1, b"#")
    refused_by_signature(check(office, raw), "too large")


def test_signed_but_malformed(office: Office) -> None:
    """A signature is no reason to read something loosely."""
    for raw in (b"a: b\n", RAW + b"version: 9\n", b"\xff\xfe", RAW.replace(b"\n", b"\r\n")):
        refused_by_signature(check(office, raw), "malformed")


def test_no_root_of_trust(office: Office) -> None:
    trust = Trust(Authority.OWN, None, "", "no root of trust", "", "localai trust init")
    refused_by_signature(check(office, trust=trust), "no root of trust")


def test_expired(office: Office) -> None:
    last = date(2026, 4, 1)
    assert check(office, today=last).findings[1].summary == "0 days left"
    assert check(office, today=last).entries
    refused_by_freshness(check(office, today=last + timedelta(days=1)), "expired")


def test_soon_expired_is_said(office: Office) -> None:
    verification = check(office, today=date(2026, 3, 31))
    assert verification.findings[1].verdict is Verdict.NOTE
    assert verification.findings[1].summary == "1 day left"
    assert verification.entries


def test_not_yet_issued(office: Office) -> None:
    """A clock that was set back cannot bring an expired manifest to life before its issue."""
    assert check(office, today=date(2025, 12, 31)).entries
    refused_by_freshness(check(office, today=date(2025, 12, 30)), "not yet issued")


def floor_of(office: Office, version: int, sha256: str = "0" * 64) -> dict[str, Floor]:
    return {"vectors": Floor(version, sha256, office.root.manifest.fingerprint)}


def test_rolled_back(office: Office) -> None:
    verification = check(office, floors=floor_of(office, 4))
    refused_by_freshness(verification, "rolled back")
    assert verification.floor is None


def test_rolled_back_counts_before_expired(office: Office) -> None:
    verification = check(office, floors=floor_of(office, 4), today=date(2029, 1, 1))
    refused_by_freshness(verification, "rolled back")


def test_same_version_other_content(office: Office) -> None:
    verification = check(office, floors=floor_of(office, 3))
    refused_by_freshness(verification, "two contents, one version")
    assert verification.floor is None


def test_same_version_same_content(office: Office) -> None:
    seen = check(office).floor
    assert seen
    assert check(office, floors={"vectors": seen}).entries


def test_a_newer_version(office: Office) -> None:
    verification = check(office, floors=floor_of(office, 2))
    assert verification.entries
    assert verification.floor
    assert verification.floor.version == 3


def test_another_manifests_floor_does_not_count(office: Office) -> None:
    floors = {"other": Floor(9, "0" * 64, office.root.manifest.fingerprint)}
    assert check(office, floors=floors).entries


def test_a_floor_under_other_keys_does_not_count(office: Office) -> None:
    """Else a stolen key could sign the highest version and lock the officers out for good."""
    assert check(office, floors={"vectors": Floor(2**31 - 1, "0" * 64, "1" * 64)}).entries


def test_an_expired_manifest_still_raises_the_floor(office: Office) -> None:
    verification = check(office, today=date(2029, 1, 1))
    assert verification.floor
    assert verification.floor.version == 3
