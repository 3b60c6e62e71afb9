"""The other cases of the TUF conformance suite, by their names."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256

import pytest
from conformance import (
    EXPIRES,
    KEYS,
    ONE,
    RAW,
    Version,
    follow,
    make_root,
    role,
    trust_in,
    verify,
    with_manifest_role,
)
from office import TODAY, MakeRaw, Office, seal

from localai.errors import DocumentError
from localai.findings import refused
from localai.manifest.envelope import MANIFEST_TYPE, ROOT_TYPE, Envelope, Signature, write_envelope
from localai.manifest.rotation import MOST_STEPS, SignedRoot, walk
from localai.manifest.schema import parse_manifest
from localai.manifest.signature import Algorithm, generate_key, sign
from localai.manifest.trust import Role, RoleKey, fingerprint_root, parse_root, write_root
from localai.manifest.verify import verify_manifest


def test_basic_refresh_trusted_data() -> None:
    roots = [make_root(1, ONE), make_root(2, ONE)]
    last, _ = follow(roots)
    assert last == roots[1].raw
    assert verify(trust_in(roots[1]), [KEYS[9]]).manifest == parse_manifest(RAW)


def test_invalid_initial_root() -> None:
    document = json.loads(make_root(1, ONE).raw)
    del document["version"]
    raw = json.dumps(document).encode()
    trust = trust_in(SignedRoot(raw, seal(ROOT_TYPE, raw, [KEYS[1]])))
    assert (trust.root, trust.problem) == (None, "root malformed")
    assert verify(trust, [KEYS[9]]).entries == ()


def test_unsigned_initial_root() -> None:
    good = make_root(1, ONE)
    for envelope, problem in (
        (None, "root unsigned"),
        (seal(ROOT_TYPE, good.raw, [KEYS[2]]), "root not signed by its own keys"),
        (seal(ROOT_TYPE, good.raw + b"\n", [KEYS[1]]), "root not signed by its own keys"),
    ):
        trust = trust_in(SignedRoot(good.raw, envelope))
        assert (trust.root, trust.problem) == (None, problem)
        assert verify(trust, [KEYS[9]]).entries == ()


def test_unsigned_metadata() -> None:
    roots = [make_root(1, ONE), make_root(2, Version([1], 1, []))]
    assert follow(roots)[0] == roots[0].raw
    assert follow([roots[0], roots[1]._replace(envelope=None)])[0] == roots[0].raw
    assert verify(trust_in(roots[0]), []).entries == ()
    assert verify(trust_in(roots[0]), [KEYS[9]]).entries


def test_url_and_metadata_version_mismatch() -> None:
    """A version is left out: only the very next one is followed."""
    roots = [make_root(1, ONE), make_root(3, ONE)]
    last, steps = follow(roots)
    assert last == roots[0].raw
    assert steps[0].problem == "root out of order"
    assert follow([*roots, make_root(2, ONE)])[0] == roots[1].raw


def test_incorrect_metadata_type() -> None:
    """Signed by keys of both roles, and right in every way but the type."""
    both = trust_in(make_root(1, ONE, manifest=role([1], 1)))
    raw = make_root(2, ONE).raw
    manifest = verify_manifest(raw, seal(ROOT_TYPE, raw, [KEYS[1]]), both, today=TODAY, floors={})
    assert manifest.findings[0].summary == "signed as something else"
    signed = SignedRoot(raw, seal(MANIFEST_TYPE, raw, [KEYS[1]]))
    assert follow([make_root(1, ONE), signed])[1][0].problem == "signed as something else"
    assert verify(both, [KEYS[1]], raw).findings[0].summary == "malformed"


def test_timestamp_content_changes(make_raw: MakeRaw) -> None:
    """The manifest of a version that was seen, with other content: the one that was seen stays."""
    trust = with_manifest_role([9], 1)
    seen = verify(trust, [KEYS[9]]).floor
    assert seen
    changed = verify(trust, [KEYS[9]], make_raw(note="other"), floors={"vectors": seen})
    assert changed.findings[1].summary == "two contents, one version"
    assert (changed.entries, changed.floor) == ((), None)


def test_root_content_changes() -> None:
    """The same with a root: whoever meets both versions follows neither."""
    first, second = make_root(1, ONE), make_root(2, ONE)
    other = make_root(2, ONE, expires=EXPIRES + timedelta(days=1))
    for roots in ([first, second, other], [first, make_root(1, ONE, expires=TODAY), second]):
        last, steps = follow(roots)
        assert last == first.raw
        assert steps[0].problem == "two contents, one version"


def test_custom_fields() -> None:
    """Here the suite's outcome is turned round on purpose: a root of trust is read strictly, and
    what this version does not know it does not trust. Another schema version is the way on."""
    document = json.loads(make_root(2, ONE).raw)
    for edit in (
        lambda one: one.update({"custom-field": "value"}),
        lambda one: one["roots"].update(x=1) if "roots" in one else one["roles"].update(x={}),
        lambda one: one["roles"]["root"]["keys"][0].update({"extra-field": "a"}),
    ):
        changed = json.loads(json.dumps(document))
        edit(changed)
        raw = json.dumps(changed).encode()
        signed = SignedRoot(raw, seal(ROOT_TYPE, raw, [KEYS[1]]))
        assert follow([make_root(1, ONE), signed])[1][0].problem == "root malformed"


def test_deprecated_keyid_hash_algorithms() -> None:
    """Turned round for the same reason."""
    document = json.loads(make_root(2, ONE).raw)
    document["roles"]["root"]["keys"][0]["keyid_hash_algorithms"] = "md5"
    with pytest.raises(DocumentError, match="unknown key"):
        parse_root(json.dumps(document).encode())


def test_max_root_rotations() -> None:
    roots = [make_root(number, ONE) for number in range(1, MOST_STEPS + 4)]
    last, _ = follow(roots)
    assert parse_root(last).version == MOST_STEPS + 1
    assert follow(roots[MOST_STEPS:])[0] == roots[-1].raw  # the next time it goes on


def test_root_expired() -> None:
    """The root that ran out is followed, and then nothing is approved under it."""
    yesterday = make_root(3, ONE, expires=TODAY - timedelta(days=1))
    roots = [make_root(1, ONE), make_root(2, ONE), yesterday]
    assert follow(roots)[0] == yesterday.raw
    trust = trust_in(yesterday)
    assert (trust.root, trust.problem) == (None, "root expired")
    assert verify(trust, [KEYS[9]]).entries == ()


def test_expired_local_root() -> None:
    """A host whose own root ran out, and the next one too, goes on to the one that holds."""
    old = [make_root(number, ONE, expires=date(2026, 1, 2)) for number in (1, 2)]
    good = make_root(3, ONE)
    assert trust_in(old[0]).problem == "root expired"
    assert follow([*old, good])[0] == good.raw
    assert trust_in(good).root


def test_targets_expired() -> None:
    trust = with_manifest_role([9], 1)
    assert verify(trust, [KEYS[9]], today=date(2026, 4, 1)).entries
    expired = verify(trust, [KEYS[9]], today=date(2026, 4, 2))
    assert expired.findings[1].summary == "expired"
    assert expired.entries == ()


def test_expired_local_timestamp(make_raw: MakeRaw) -> None:
    """A manifest that ran out is no hindrance for the next version, and still no way back."""
    trust, day = with_manifest_role([9], 1), date(2026, 5, 1)
    expired = verify(trust, [KEYS[9]], today=day)
    assert refused(expired.findings)
    assert expired.floor
    floors = {"vectors": expired.floor}
    newer = make_raw(version=4, expires=date(2026, 6, 1))
    assert verify(trust, [KEYS[9]], newer, day, floors).entries
    older = make_raw(version=2, expires=date(2026, 6, 1))
    assert verify(trust, [KEYS[9]], older, day, floors).entries == ()


def test_targets_rollback(make_raw: MakeRaw) -> None:
    trust = with_manifest_role([9], 1)
    seen = verify(trust, [KEYS[9]], make_raw(version=5)).floor
    assert seen
    rolled = verify(trust, [KEYS[9]], make_raw(version=4), floors={"vectors": seen})
    assert (rolled.findings[1].summary, rolled.entries) == ("rolled back", ())


def test_new_targets_fast_forward_recovery(make_raw: MakeRaw) -> None:
    """A stolen key signed the highest version there is. The root's keys replace it: the versions
    that it signed hold nobody back. Without that rotation they would."""
    last = 2**31 - 1
    before = make_root(1, ONE, manifest=role([9], 1))
    seen = verify(trust_in(before), [KEYS[9]], make_raw(version=last)).floor
    assert seen
    assert seen.version == last
    floors = {"vectors": seen}
    assert not verify(trust_in(before), [KEYS[9]], make_raw(version=4), floors=floors).entries
    after = make_root(2, ONE, manifest=role([8], 1))
    assert follow([before, after])[0] == after.raw
    assert verify(trust_in(after), [KEYS[8]], make_raw(version=4), floors=floors).entries
    stolen = verify(trust_in(after), [KEYS[9]], make_raw(version=last), floors=floors)
    assert stolen.findings[0].summary == "not signed by a trusted key"


def test_snapshot_does_not_meet_threshold() -> None:
    trust = with_manifest_role([7, 8, 9], 3)
    assert verify(trust, [KEYS[7], KEYS[8], KEYS[9]]).entries
    assert verify(trust, [KEYS[7], KEYS[8]]).findings[0].summary == "too few signatures"


def test_snapshot_has_too_few_keys() -> None:
    """Such a root is not even read: its threshold could never be reached."""
    document = json.loads(make_root(2, ONE).raw)
    document["roles"]["manifest"]["threshold"] = 2
    raw = json.dumps(document).encode()
    signed = SignedRoot(raw, seal(ROOT_TYPE, raw, [KEYS[1]]))
    (step,) = follow([make_root(1, ONE), signed])[1]
    assert "can never be reached" in step.evidence


def test_duplicate_keys() -> None:
    document = json.loads(make_root(2, ONE).raw)
    keys = document["roles"]["root"]["keys"]
    keys.extend({**keys[0], "name": f"again-{number}"} for number in range(8))
    document["roles"]["root"]["threshold"] = 6
    raw = json.dumps(document).encode()
    signed = SignedRoot(raw, seal(ROOT_TYPE, raw, [KEYS[1]] * 9))
    (step,) = follow([make_root(1, ONE), signed])[1]
    assert step.problem == "root malformed"
    assert "stands twice" in step.evidence


def test_duplicate_sig_keyids() -> None:
    """The suite wants the file refused. A key id decides nothing here: what counts is how many
    different keys signed, so that such a file reaches no threshold that it would not reach
    without the second signature."""
    trust = with_manifest_role([8, 9], 2)
    assert verify(trust, [KEYS[8]] * 2).findings[0].summary == "too few signatures"
    assert verify(trust, [KEYS[8], KEYS[8], KEYS[9]]).signers == ("key-8", "key-9")


@pytest.mark.parametrize("algorithm", Algorithm)
def test_keytype_and_scheme(algorithm: Algorithm) -> None:
    added = generate_key(algorithm)
    both = Role(2, (*role([1], 1).keys, RoleKey("added", added.public)))
    first = make_root(1, ONE)
    roots = [SignedRoot(make_root(number, ONE, root=both).raw, None) for number in (2, 3)]
    good, other = (
        one._replace(envelope=seal(ROOT_TYPE, one.raw, [KEYS[1], added])) for one in roots
    )
    assert follow([first, good, other])[0] == other.raw
    signatures = [sign(ROOT_TYPE, other.raw, KEYS[1]), sign(ROOT_TYPE, good.raw, added)]
    bad = other._replace(envelope=write_envelope(Envelope(ROOT_TYPE, tuple(signatures))))
    assert follow([first, good, bad])[0] == good.raw


@pytest.mark.parametrize("spoil", [lambda value: value[::-1], lambda _: b"\0" * 64])
def test_invalid_sig_in_valid_metadata(spoil: Callable[[bytes], bytes]) -> None:
    """A bad signature beside enough good ones does no harm. (One of no bytes at all does, unlike in
    the suite: an envelope is read strictly.)"""
    trust = with_manifest_role([8, 9], 1)
    good, bad = (sign(MANIFEST_TYPE, RAW, KEYS[one]) for one in (8, 9))
    spoilt = Signature(bad.keyid, spoil(bad.value))
    envelope = write_envelope(Envelope(MANIFEST_TYPE, (spoilt, good)))
    verification = verify_manifest(RAW, envelope, trust, today=TODAY, floors={})
    assert verification.signers == ("key-8",)
    assert verification.entries


def test_wrong_hashing_algorithm() -> None:
    """A digest by another algorithm's name is not known, and the one that must be is missing."""
    raw = RAW.replace(b" sha256: ", b" md5: ")
    assert raw != RAW
    found = verify(with_manifest_role([9], 1), [KEYS[9]], raw)
    assert (found.findings[0].summary, found.entries) == ("malformed", ())


@pytest.mark.parametrize("name", ["?", "#", "/delegatedrole", "../delegatedrole"])
def test_unusual_role_name(name: str, make_raw: MakeRaw) -> None:
    """No name of a role, and none of a manifest, ever becomes a path."""
    document = json.loads(make_root(2, ONE).raw)
    document["roles"][name] = document["roles"]["manifest"]
    with pytest.raises(DocumentError, match="unknown key"):
        parse_root(json.dumps(document).encode())
    with pytest.raises(DocumentError, match="name"):
        make_raw(name=name)


def test_the_office_agrees(office: Office) -> None:
    """The control: the fixture's root, which other tests rely on, starts a walk as well."""
    raw = office.root_raw
    next_raw = write_root(office.root._replace(version=2))
    signed = SignedRoot(next_raw, seal(ROOT_TYPE, next_raw, office.officers[:1]))
    (step,) = walk(office.root, raw, [signed])
    assert not step.problem
    assert sha256(step.signed.raw).hexdigest() == fingerprint_root(next_raw)
