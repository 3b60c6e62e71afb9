"""What is brought is put in its place with the signatures that count, and with no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from office import TODAY, MakeRaw, Office, seal

from killing import killed_at
from localai.errors import DocumentError
from localai.manifest.envelope import (
    MANIFEST_TYPE,
    MOST_SIGNATURES,
    Envelope,
    Signature,
    envelope_beside,
    parse_envelope,
    write_envelope,
)
from localai.manifest.intake import put
from localai.manifest.revocation import NOTHING
from localai.manifest.signature import sign
from localai.manifest.verify import verify_manifest

Put = Callable[[bytes, bytes], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "imported" / "agency.yaml"


@pytest.fixture
def put_it(office: Office, path: Path) -> Put:
    return lambda raw, signatures: put(path, raw, signatures, MANIFEST_TYPE, office.root.manifest)


def crowd(office: Office, raw: bytes) -> bytes:
    """An envelope that is full: enough good signatures, one of them many times, and worthless
    ones."""
    good = [sign(MANIFEST_TYPE, raw, key) for key in office.officers[:2]]
    again = [sign(MANIFEST_TYPE, raw, office.officers[0]) for _ in range(10)]
    strange = [sign(MANIFEST_TYPE, raw, office.stranger), Signature("officer-1", b"x" * 1024)]
    every = [*good, *again, *strange * MOST_SIGNATURES][:MOST_SIGNATURES]
    return write_envelope(Envelope(MANIFEST_TYPE, tuple(every)))


def counts(office: Office, path: Path) -> bool:
    """Whether what lies there is in force."""
    verification = verify_manifest(
        path.read_bytes(),
        envelope_beside(path).read_bytes(),
        office.trust,
        today=TODAY,
        floors={},
        lanes={},
        revocations=NOTHING,
    )
    return not any(finding.refuses for finding in verification.findings)


def test_only_signatures_of_known_keys_stay(
    office: Office, make_raw: MakeRaw, put_it: Put, path: Path
) -> None:
    raw = make_raw()
    put_it(raw, crowd(office, raw))
    kept = parse_envelope(envelope_beside(path).read_bytes()).signatures
    assert [one.keyid for one in kept] == [key.public.fingerprint for key in office.officers[:2]]
    assert counts(office, path)


def test_without_a_signature_that_counts_nothing_is_written(
    office: Office, make_raw: MakeRaw, put_it: Put, path: Path
) -> None:
    raw = make_raw()
    with pytest.raises(DocumentError):
        put_it(raw, seal(MANIFEST_TYPE, raw, [office.stranger]))
    assert not path.exists()


def test_cut_short_anywhere_one_of_the_two_counts(
    office: Office, make_raw: MakeRaw, put_it: Put, path: Path
) -> None:
    """Also where both were brought with as many signatures as an envelope can hold."""
    old, new = make_raw(version=1), make_raw(version=2)
    put_it(old, crowd(office, old))
    envelope_beside(path).write_bytes(crowd(office, old))
    number, left = 0, set()
    while killed_at(number, lambda: put_it(new, crowd(office, new))):
        assert counts(office, path)
        left.add(path.read_bytes())
        path.write_bytes(old)
        envelope_beside(path).write_bytes(crowd(office, old))
        number += 1
    assert left == {old, new}
    assert path.read_bytes() == new
    assert len(parse_envelope(envelope_beside(path).read_bytes()).signatures) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"x" * (1 << 17)])
def test_what_is_damaged_is_replaced(
    office: Office, make_raw: MakeRaw, put_it: Put, path: Path, damage: bytes
) -> None:
    raw = make_raw()
    put_it(raw, office.sign(raw))
    envelope_beside(path).write_bytes(damage)
    put_it(raw, office.sign(raw))
    assert counts(office, path)
