"""The list of what is revoked: what it denies, and every way in which it cannot be relied on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from office import TODAY, MakeRaw, Office, seal

from localai.errors import DocumentError
from localai.findings import Verdict
from localai.manifest.envelope import MANIFEST_TYPE, envelope_beside, parse_envelope, write_envelope
from localai.manifest.floor import Floor, read_floors
from localai.manifest.load import load_manifests, pin_root, revocation_file, verify_file
from localai.manifest.revocation import (
    NOTHING,
    TYPE,
    Kind,
    RevocationList,
    Revocations,
    Revoked,
    names_of_files,
    parse_revocations,
    verify_revocations,
    write_revocations,
)
from localai.manifest.schema import Manifest
from localai.manifest.trust import Role, Root, write_root
from localai.manifest.verify import Verification, verify_manifest
from localai.places import Places

ENTRY = Revoked(Kind.ENTRY, "model-one", date(2026, 1, 20), 'poisoned: "weights"')


def write(*revoked: Revoked, version: int = 1) -> bytes:
    return write_revocations(RevocationList(version, date(2026, 1, 20), revoked))


def role(office: Office, threshold: int = 1) -> Role:
    return Role(threshold, office.root.manifest.keys[1:])


def check(
    office: Office,
    raw: bytes | None,
    *,
    keys: int = 1,
    threshold: int = 1,
    floor: Floor | None = None,
) -> Revocations:
    envelope = None if raw is None else seal(TYPE, raw, office.officers[1 : 1 + keys])
    return verify_revocations(raw, envelope, role(office, threshold), floor)


def judge(office: Office, raw: bytes, revoked: Revocations) -> Verification:
    return verify_manifest(
        raw, office.sign(raw), office.trust, today=TODAY, floors={}, revocations=revoked
    )


def test_it_survives() -> None:
    listed = (
        ENTRY,
        Revoked(Kind.SHA256, "a" * 64, TODAY, "#: {}[]"),
        Revoked(Kind.KEY, "b" * 64, TODAY, "lost"),
    )
    assert parse_revocations(write(*listed)).revoked == listed
    assert parse_revocations(write()).revoked == ()


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda text: text.replace("revocation/1", "revocation/2"), "was expected"),
        (lambda text: text.replace("version: 1", "version: 0"), "an integer from 1"),
        (lambda text: text.replace("entry: model-one", "entry: Model One"), "lower-case letters"),
        (lambda text: text.replace("entry: model-one", "sha256: abc"), "64 lower-case"),
        (lambda text: text.replace("entry: model-one", "name: model-one"), "exactly one of"),
        (lambda text: text.replace("    on:", "    sha256: " + "a" * 64 + "\n    on:"), "exactly"),
        (lambda text: text.replace("    on:", "    until: 2027-01-01\n    on:"), "unknown key"),
        (lambda text: text + text[text.index("  - entry") :], "stands twice"),
        (lambda text: text + "allowed: [x]\n", "unknown key 'allowed'"),
    ],
)
def test_malformed(edit: Callable[[str], str], problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_revocations(edit(write(ENTRY).decode()).encode())
    assert problem in caught.value.message


@pytest.mark.parametrize("reason", ["caf\udce9", "two\nlines", "bidi \u202e", " ", "x" * 201])
def test_no_such_reason_is_written(reason: str) -> None:
    """\udce9 is what a byte that is no UTF-8 becomes on a command line."""
    with pytest.raises(DocumentError):
        write(ENTRY._replace(reason=reason))


def test_nothing_is_revoked_without_a_list(office: Office) -> None:
    assert check(office, None) == NOTHING
    assert verify_revocations(None, None, None, Floor(3, "0" * 64, "0" * 64)) == NOTHING


def test_a_revoked_entry_does_not_count(
    office: Office, make_raw: MakeRaw, manifest: Manifest
) -> None:
    (entry,) = manifest.entries
    assert judge(office, make_raw(), NOTHING).entries == (entry,)
    found = check(office, write(ENTRY))
    verification = judge(office, make_raw(), found)
    assert verification.entries == ()
    assert verification.find_revoked(entry) == ENTRY
    assert not any(finding.refuses for finding in verification.findings)


def test_a_revoked_file_does_not_count_under_any_name(
    office: Office, make_raw: MakeRaw, manifest: Manifest
) -> None:
    (entry,) = manifest.entries
    for file in entry.files:
        line = Revoked(Kind.SHA256, file.sha256, TODAY, "bad")
        renamed = make_raw(entries=(entry._replace(id="another-name"),))
        assert judge(office, renamed, check(office, write(line))).entries == ()
    other = Revoked(Kind.SHA256, "0" * 64, TODAY, "bad")
    assert judge(office, make_raw(), check(office, write(other))).entries


def test_an_entry_that_lies_about_one_digest_does_not_hide_the_other(
    office: Office, make_raw: MakeRaw, manifest: Manifest
) -> None:
    """A start goes by the tree digest alone: a signer may write anything beside it."""
    (entry,) = manifest.entries
    hidden = tuple(
        file._replace(sha256=f"{number:064x}", tree="d" * 64 if number == 1 else None)
        for number, file in enumerate(entry.files, 1)
    )
    raw = make_raw(entries=(entry._replace(files=hidden),))
    by_sha256 = [Revoked(Kind.SHA256, file.sha256, TODAY, "bad") for file in entry.files]
    assert judge(office, raw, check(office, write(*by_sha256))).entries
    both = check(office, write(*by_sha256, Revoked(Kind.TREE, "d" * 64, TODAY, "bad")))
    verification = judge(office, raw, both)
    assert verification.entries == ()
    assert both.find(entry._replace(files=hidden)) == both.revoked[-1]
    named = names_of_files(entry._replace(files=hidden))
    assert named[:2] == ((Kind.SHA256, f"{1:064x}"), (Kind.TREE, "d" * 64))
    assert len(named) == len(hidden) + 1


def test_a_revoked_key_signs_nothing_any_more(office: Office, make_raw: MakeRaw) -> None:
    first = office.officers[0].public.fingerprint
    found = check(office, write(Revoked(Kind.KEY, first, TODAY, "stolen")))
    raw = make_raw()
    refusal = judge(office, raw, found)
    assert refusal.findings[0].summary == "too few signatures"
    assert refusal.entries == ()
    envelope = office.sign(raw, office.officers[1:])
    others = verify_manifest(raw, envelope, office.trust, today=TODAY, floors={}, revocations=found)
    assert others.signers == ("officer-2", "officer-3")


def test_it_can_only_deny(office: Office, make_raw: MakeRaw) -> None:
    """No list makes a manifest count that would not count without it."""
    raw = make_raw()
    unsigned = office.sign(raw, office.officers[:1])
    for found in (check(office, write()), check(office, write(ENTRY, version=9))):
        for envelope in (None, unsigned):
            one = verify_manifest(
                raw, envelope, office.trust, today=TODAY, floors={}, revocations=found
            )
            assert one.entries == ()


def test_what_cannot_be_relied_on_lets_nothing_run(office: Office, make_raw: MakeRaw) -> None:
    good = write(ENTRY, version=3)
    seen = check(office, good).floor
    assert seen == Floor(3, seen.sha256 if seen else "", role(office).fingerprint)
    elsewhere = seal(MANIFEST_TYPE, good, office.officers)
    relabelled = parse_envelope(seal(TYPE, good, office.officers))._replace(payload_type="text/x")
    one = role(office)
    problems = [
        verify_revocations(good, None, one, None),
        verify_revocations(good, b"{", one, None),
        verify_revocations(good, elsewhere, one, None),
        verify_revocations(good, write_envelope(relabelled), one, None),
        verify_revocations(good, seal(TYPE, good, [office.stranger]), one, None),
        verify_revocations(good, seal(TYPE, good, office.officers[:1]), one, None),
        verify_revocations(good + b"\n", seal(TYPE, good, office.officers), one, None),
        verify_revocations(good, seal(TYPE, good, office.officers), None, None),
        check(office, good, threshold=2),
        check(office, b"a: b\n"),
        check(office, write(ENTRY, version=2), floor=seen),
        check(office, write(version=3), floor=seen),
        check(office, None, floor=seen),
    ]
    for found in problems:
        assert found.problem
        assert found.remedy
        assert found.floor is None
        signature, freshness = judge(office, make_raw(), found).findings
        assert (signature.verdict, signature.summary) == (Verdict.FAIL, found.problem)
        assert freshness.verdict is Verdict.NOT_CHECKED
    assert check(office, good, keys=2, threshold=2, floor=seen).signers == (
        "officer-2",
        "officer-3",
    )


def test_other_keys_begin_anew(office: Office) -> None:
    """As with manifests: a stolen key cannot sign the highest version and silence the others. But
    a list that was seen must be there, whoever signs it now."""
    seen = Floor(2**31 - 1, "0" * 64, "0" * 64)
    assert not check(office, write(ENTRY), floor=seen).problem
    missing = check(office, None, floor=seen)
    assert missing.problem == "revocation list missing"
    assert "localai trust revoke" in missing.remedy


@pytest.fixture
def home(places: Places, office: Office) -> Places:
    """The places, with a root that lets the second officer revoke, and a manifest."""
    root: Root = office.root._replace(revocation=role(office))
    raw = write_root(root)
    pin_root(places, raw, seal("application/vnd.localai.root.v1+json", raw, office.officers[:1]))
    return places


def put(places: Places, office: Office, raw: bytes, path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    envelope_beside(path).write_bytes(seal(kind, raw, office.officers[:2]))


def test_on_disk_it_is_read_remembered_and_missed(
    home: Places, office: Office, make_raw: MakeRaw
) -> None:
    path = revocation_file(home)
    manifest = home.manifests / "a.yaml"
    put(home, office, make_raw(), manifest, MANIFEST_TYPE)
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.entries
    put(home, office, write(ENTRY, version=2), path, TYPE)
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.entries == verify_file(manifest, home, TODAY).entries == ()
    floor = read_floors(home.state).revocation
    assert floor
    assert floor.version == 2
    assert set(read_floors(home.state).manifests) == {"vectors"}
    for spoil in (
        lambda: put(home, office, write(version=1), path, TYPE),
        path.unlink,
        lambda: path.mkdir(),
    ):
        spoil()
        (loaded,) = load_manifests(home, TODAY)
        assert loaded.findings[0].refuses
        assert loaded.entries == ()
        assert read_floors(home.state).revocation == floor
    path.rmdir()
    (home.state / "floors.json").unlink()  # the protection taken away
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.entries
