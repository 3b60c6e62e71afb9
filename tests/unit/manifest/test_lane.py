"""The lane: what its keys may approve, and that each limit of its frame holds by itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from office import TODAY, VECTORS, Office, seal

from localai.errors import DocumentError
from localai.findings import Verdict
from localai.manifest.envelope import ROOT_TYPE
from localai.manifest.floor import Floor, Floors, read_floors, remember
from localai.manifest.lane import Frame, compare_frames, find_outside
from localai.manifest.load import load_manifests
from localai.manifest.revocation import Kind, Revocations, Revoked
from localai.manifest.rotation import Change, change_root
from localai.manifest.schema import Entry, Manifest, parse_manifest
from localai.manifest.signature import PrivateKey, generate_key
from localai.manifest.trust import Lane, Role, RoleKey, RoleName, Root, parse_root, write_root
from localai.manifest.verify import Authority, Trust, Verification, verify_manifest
from localai.manifest.write import write_manifest
from localai.places import Places

STAFF = generate_key()
MANIFEST = parse_manifest((VECTORS / "accepted.yaml").read_bytes())
(ORIGINAL,) = MANIFEST.entries
UNTIL = date(2026, 3, 1)
FRAME = Frame(("evaluation", "drafting"), ("public",), ("example",), ("MIT", "Apache-2.0"), UNTIL)

ENTRY = ORIGINAL._replace(
    licence="apache-2.0",
    source=ORIGINAL.source._replace(publisher="example", repository="example/tiny", hub=None),
    approval=ORIGINAL.approval._replace(by="staff", on=TODAY, review_by=UNTIL),
    use=ORIGINAL.use._replace(purposes=("evaluation",), data_classes=("public",)),
)


def root_with(office: Office, frame: Frame = FRAME, *, threshold: int = 1) -> Root:
    others = tuple(RoleKey(f"other-{n}", generate_key().public) for n in range(threshold - 1))
    role = Role(threshold, (RoleKey("staff", STAFF.public), *others))
    return office.root._replace(lane=Lane(role, frame))


def raw_of(*entries: Entry, **changes: object) -> bytes:
    return write_manifest(MANIFEST._replace(entries=entries, **changes))  # type: ignore[arg-type]


def check(
    office: Office,
    *entries: Entry,
    root: Root | None = None,
    keys: Sequence[PrivateKey] = (STAFF,),
    today: date = TODAY,
    floors: Floors | None = None,
    revoked: Revocations | None = None,
) -> Verification:
    raw = raw_of(*(entries or (ENTRY,)))
    trust = Trust(Authority.ADMINISTRATOR, root or root_with(office))
    seen = floors or Floors({})
    return verify_manifest(
        raw,
        office.sign(raw, keys),
        trust,
        today=today,
        floors=seen.manifests,
        lanes=seen.lanes,
        revocations=revoked or Revocations(),
    )


def test_within_the_frame_a_key_of_the_lane_is_enough(office: Office) -> None:
    found = check(office)
    assert found.entries == (ENTRY,)
    assert found.outside == ()
    assert found.findings[0].verdict is Verdict.PASS
    assert "lane of staff until 2026-03-01" in found.findings[0].evidence


def test_without_the_role_it_is_worth_nothing(office: Office) -> None:
    found = check(office, root=office.root)
    assert found.findings[0].summary == "not signed by a trusted key"
    assert found.entries == ()


WIDER = {
    "purpose": (
        ENTRY._replace(use=ENTRY.use._replace(purposes=("evaluation", "decisions"))),
        "purpose decisions, not one of evaluation, drafting",
        FRAME._replace(purposes=("evaluation", "decisions")),
    ),
    "data class": (
        ENTRY._replace(use=ENTRY.use._replace(data_classes=("internal",))),
        "data class internal, not one of public",
        FRAME._replace(data_classes=("internal",)),
    ),
    "source": (
        ENTRY._replace(source=ENTRY.source._replace(publisher="other", repository="other/tiny")),
        "source other/tiny, not one of example",
        FRAME._replace(sources=("other",)),
    ),
    "licence": (
        ENTRY._replace(licence="GPL-3.0-only"),
        "licence GPL-3.0-only, not one of MIT, Apache-2.0",
        FRAME._replace(licences=("GPL-3.0-only",)),
    ),
    "end": (
        ENTRY._replace(approval=ENTRY.approval._replace(review_by=UNTIL + timedelta(days=1))),
        "review by 2026-03-02, later than the lane's end on 2026-03-01",
        FRAME._replace(until=UNTIL + timedelta(days=1)),
    ),
}


@pytest.mark.parametrize(("entry", "why", "wide"), WIDER.values(), ids=WIDER)
def test_each_limit_holds_and_is_what_holds(
    office: Office, entry: Entry, why: str, wide: Frame
) -> None:
    """The other entry of the manifest still counts. Under a frame without that limit this one
    counts as well, so that nothing else kept it out."""
    found = check(office, entry, *beside())
    assert [one.id for one in found.entries] == ["beside"]
    assert [(one.entry, one.why) for one in found.outside] == [(entry, why)]
    assert found.manifest
    assert found.manifest.entries == found.entries
    finding, _ = found.findings
    assert finding.verdict is Verdict.NOTE
    assert f"outside the lane: {entry.id}: {why}" in finding.evidence
    assert finding.remedy
    assert check(office, entry, root=root_with(office, wide)).entries == (entry,)


def beside() -> tuple[Entry]:
    (file,) = ENTRY.files[:1]
    other = file._replace(sha256="e" * 64, tree="f" * 64)
    return (ENTRY._replace(id="beside", files=(other,)),)


def test_what_is_wider_counts_once_officers_signed_it(office: Office) -> None:
    for entry, _, _ in WIDER.values():
        found = check(office, entry, keys=(*office.officers[:2], STAFF))
        assert (found.entries, found.frame) == ((entry,), None)


def test_every_reason_is_told(office: Office) -> None:
    bad = WIDER["purpose"][0]._replace(licence="GPL-3.0-only")
    assert check(office, bad).outside[0].why.count("; ") == 1


def test_a_thousand_purposes_are_told_in_a_line(office: Office) -> None:
    """Staff could fill everybody's screen and records with them."""
    many = tuple(f"purpose-{number}" for number in range(1000))
    found = check(office, ENTRY._replace(use=ENTRY.use._replace(purposes=many)))
    assert found.outside[0].why.endswith("purpose-4 and 995 more, not one of evaluation, drafting")
    assert len(found.findings[0].evidence) < 300


def test_who_did_not_sign_did_not_approve(office: Office) -> None:
    lie = ENTRY._replace(approval=ENTRY.approval._replace(by="Security office"))
    (outside,) = check(office, lie).outside
    assert outside.why == "approved by Security office, who did not sign it"


@pytest.mark.parametrize(
    ("repository", "publisher", "hub", "allowed"),
    [
        ("example/tiny", "example", None, "example"),
        ("example/tiny", "example", None, "example/tiny"),
        ("https://hub.example/example/tiny", "example", None, "hub.example/example"),
        ("example/tiny", "example", "hub.example", "hub.example/example"),
    ],
)
def test_a_source_that_is_allowed(
    repository: str, publisher: str, hub: str | None, allowed: str
) -> None:
    entry = ENTRY._replace(
        source=ENTRY.source._replace(repository=repository, publisher=publisher, hub=hub)
    )
    assert find_outside(FRAME._replace(sources=(allowed,)), ["staff"], [entry]) == ()


@pytest.mark.parametrize(
    ("repository", "publisher", "hub"),
    [
        ("example-2/tiny", "example", None),
        ("example-2/tiny", "example-2", None),
        ("example", "example", None),
        ("Example/tiny", "Example", None),
        ("example/../other/tiny", "other", None),
        ("example//tiny", "", None),
        ("example/tiny", "somebody else", None),
        ("example/tiny", "example", "another.example"),
        ("other/example/tiny", "example", None),
        ("https://hub.example/example/tiny", "example", None),
    ],
)
def test_a_source_that_only_looks_allowed(repository: str, publisher: str, hub: str | None) -> None:
    source = ENTRY.source._replace(repository=repository, publisher=publisher, hub=hub)
    assert find_outside(FRAME, ["staff"], [ENTRY._replace(source=source)])


def test_the_lane_ends(office: Office) -> None:
    assert check(office, today=UNTIL).entries == (ENTRY,)
    ended = check(office, today=UNTIL + timedelta(days=1))
    assert ended.findings[0].summary == "lane ended"
    assert ended.entries == ()


def test_below_the_threshold_of_the_lane(office: Office) -> None:
    found = check(office, root=root_with(office, threshold=2))
    assert found.findings[0].summary == "too few signatures"


def test_an_officer_and_a_key_of_the_lane_are_no_two_officers(office: Office) -> None:
    found = check(office, WIDER["purpose"][0], keys=(office.officers[0], STAFF))
    assert found.frame == FRAME
    assert found.entries == ()


def test_a_revoked_key_of_the_lane(office: Office) -> None:
    line = Revoked(Kind.KEY, STAFF.public.fingerprint, TODAY, "left")
    assert check(office, revoked=Revocations((line,))).entries == ()


def test_an_older_version_of_the_lane_is_refused(office: Office) -> None:
    seen = check(office).floor
    assert seen
    later = Floors({}, None, {MANIFEST.name: seen._replace(version=seen.version + 1)})
    assert check(office, floors=later).findings[1].summary == "rolled back"


def test_the_floor_of_an_officers_manifest_stays(office: Office, places: Places) -> None:
    """A manifest of the lane under the same name would have taken its place."""
    officers = Floor(7, "0" * 64, office.root.manifest.fingerprint)
    remember(places.state, {MANIFEST.name: officers})
    home = host(places, office)
    put(home, "lane", office, raw_of(ENTRY), [STAFF])
    load_manifests(home, TODAY, owner=owner())
    floors = read_floors(home.state)
    assert floors.manifests == {MANIFEST.name: officers}
    assert floors.lanes[MANIFEST.name].version == MANIFEST.version


def host(places: Places, office: Office) -> Places:
    """An administered host with a lane in its root of trust."""
    raw = write_root(root_with(office))
    places.administrator.mkdir()
    (places.administrator / "root.json").write_bytes(raw)
    (places.administrator / "root.dsse.json").write_bytes(seal(ROOT_TYPE, raw, office.officers[:1]))
    places.imported.mkdir(parents=True)
    (places.administrator / "manifests").mkdir()
    return places._replace(administered=True)


def owner() -> int:
    return os.getuid()


def put(places: Places, where: str, office: Office, raw: bytes, keys: Sequence[PrivateKey]) -> None:
    directory = places.imported if where == "lane" else places.administrator / "manifests"
    (directory / "one.yaml").write_bytes(raw)
    (directory / "one.dsse.json").write_bytes(office.sign(raw, keys))


def test_what_was_imported_counts_by_its_signature(office: Office, places: Places) -> None:
    home = host(places, office)
    put(home, "lane", office, raw_of(ENTRY), [STAFF])
    (loaded,) = load_manifests(home, TODAY, owner=owner())
    assert loaded.entries == (ENTRY,)
    put(home, "lane", office, raw_of(ENTRY), [office.stranger])
    (loaded,) = load_manifests(home, TODAY, owner=owner())
    assert loaded.entries == ()


@pytest.mark.parametrize(
    ("mine", "keys", "counts"),
    [(9, "officers", 9), (2, "officers", 3), (3, "officers", 3), (9, "lane", 3)],
)
def test_of_one_name_the_newer_counts_and_officers_before_the_lane(
    office: Office, places: Places, mine: int, keys: str, counts: int
) -> None:
    home = host(places, office)
    officers = office.officers[:2]
    put(home, "host", office, raw_of(ENTRY, version=3), officers)
    signers = officers if keys == "officers" else [STAFF]
    put(home, "lane", office, raw_of(ENTRY, version=mine), signers)
    (loaded,) = load_manifests(home, TODAY, owner=owner())
    assert loaded.verification.manifest
    assert loaded.verification.manifest.version == counts
    assert loaded.verification.frame is None
    assert (loaded.path.parent == home.imported) == (counts > 3)


def test_the_root_reads_back(office: Office) -> None:
    root = root_with(office)
    assert parse_root(write_root(root)) == root
    assert root.roles[RoleName.LANE].threshold == 1


@pytest.mark.parametrize("field", ["purposes", "data_classes", "sources", "licences"])
def test_a_frame_has_no_word_for_anything(office: Office, field: str) -> None:
    with pytest.raises(DocumentError, match="empty"):
        write_root(root_with(office, FRAME._replace(**{field: ()})))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["root", "manifest"])
def test_a_key_of_the_lane_is_no_officers(office: Office, name: str) -> None:
    root = root_with(office)
    role = Role(1, (RoleKey("both", STAFF.public),))
    with pytest.raises(DocumentError, match=f"is a key of the role {name}"):
        write_root(root._replace(**{name: role}))  # type: ignore[arg-type]


def test_a_lane_is_drafted_changed_and_ended(office: Office) -> None:
    key = RoleKey("staff", STAFF.public)
    added = Change(added=((RoleName.LANE, key),))
    with pytest.raises(DocumentError, match="what the keys of the lane may approve"):
        change_root(office.root, None, added, TODAY, 9)
    opened = change_root(office.root, None, added._replace(frame=FRAME), TODAY, 9)
    assert opened.lane == Lane(Role(1, (key,)), FRAME)
    wider = FRAME._replace(purposes=("evaluation",))
    assert change_root(opened, None, Change(frame=wider), TODAY, 9).lane == Lane(
        Role(1, (key,)), wider
    )
    ended = change_root(opened, None, Change(removed=((RoleName.LANE, "staff"),)), TODAY, 9)
    assert ended.lane is None


def test_the_manifest_has_only_what_counts(office: Office) -> None:
    found: Manifest | None = check(office, WIDER["licence"][0], *beside()).manifest
    assert found
    assert [entry.id for entry in found.entries] == ["beside"]


@pytest.mark.parametrize(
    ("changes", "wider", "narrower"),
    [
        ({}, (), ()),
        ({"purposes": ("drafting", "decisions")}, ("purpose decisions",), ("purpose evaluation",)),
        ({"data_classes": ("public", "internal")}, ("data class internal",), ()),
        ({"sources": ("other",)}, ("source other",), ("source example",)),
        ({"licences": ("MIT",)}, (), ("licence Apache-2.0",)),
        ({"until": date(2027, 1, 1)}, ("until 2027-01-01, was 2026-03-01",), ()),
        ({"until": TODAY}, (), ("until 2026-02-01, was 2026-03-01",)),
    ],
)
def test_what_another_frame_changes(
    changes: dict[str, object], wider: tuple[str, ...], narrower: tuple[str, ...]
) -> None:
    other = FRAME._replace(**changes)  # type: ignore[arg-type]
    assert compare_frames(FRAME, other) == (wider, narrower)


def test_every_field_of_a_frame_is_compared() -> None:
    """A field that is added later is not passed over."""
    for field in Frame._fields:
        other = TODAY if field == "until" else ("else",)
        assert compare_frames(FRAME, FRAME._replace(**{field: other})) != ((), ())  # type: ignore[arg-type]
    assert len(compare_frames(None, FRAME)[0]) == 6
    assert len(compare_frames(FRAME, None)[1]) == 6
