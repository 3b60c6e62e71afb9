"""Roots on disk: which one is trusted, what is kept, and what a command that was cut short left."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date

import pytest
from office import TODAY, Office, names, seal

from localai.errors import DocumentError, StateError
from localai.manifest import chain
from localai.manifest.chain import put_in_force, read_roots, read_trusted, store, walk_from
from localai.manifest.envelope import ROOT_TYPE, envelope_beside
from localai.manifest.load import load_trust, pin_file, pin_root, read_pin
from localai.manifest.rotation import Change, SignedRoot, change_root
from localai.manifest.trust import Role, RoleKey, RoleName, fingerprint_root, write_root
from localai.places import Places


def make(office: Office, version: int, **changes: object) -> SignedRoot:
    raw = write_root(office.root._replace(version=version, **changes))  # type: ignore[arg-type]
    return SignedRoot(raw, seal(ROOT_TYPE, raw, office.officers[:1]))


@pytest.fixture
def roots(office: Office) -> Sequence[SignedRoot]:
    return [make(office, number) for number in (1, 2, 3)]


@pytest.fixture
def home(places: Places, roots: Sequence[SignedRoot]) -> Places:
    pin_root(places, roots[0].raw, roots[0].envelope or b"")
    return places


def update(home: Places, found: Sequence[SignedRoot], owner: int = 0) -> None:
    trusted = read_trusted(home, owner=owner)
    put_in_force(home, trusted, walk_from(trusted, found).accepted)


def test_a_host_follows_and_keeps_every_version(home: Places, roots: Sequence[SignedRoot]) -> None:
    update(home, roots[1:])
    trust = load_trust(home, TODAY)
    assert trust.root
    assert trust.root.version == 3
    assert trust.fingerprint == read_pin(home) == fingerprint_root(roots[2].raw)
    assert names(home.config / "roots") == [
        f"{number}.root{kind}.json" for number in (1, 2, 3) for kind in (".dsse", "")
    ]
    assert sorted(read_roots([home.config / "roots"])) == sorted(roots)
    assert read_roots([home.root]) == (roots[2],)


@pytest.mark.parametrize("written", range(4))
def test_cut_short_anywhere_the_same_command_does_the_rest(
    home: Places, roots: Sequence[SignedRoot], written: int
) -> None:
    """The files as they are after so many of the writes that put the last one in force."""
    for signed in roots:
        store(home, signed)
    raw, envelope = roots[2].raw, roots[2].envelope or b""
    writes = ((home.root, raw), (home.root.with_name("root.dsse.json"), envelope))
    for path, content in writes[:written]:
        path.write_bytes(content)
    if written == 3:
        pin_file(home).write_text(fingerprint_root(raw))
    elif written:
        assert load_trust(home, TODAY).root is None
    update(home, read_roots([home.config / "roots"]))
    trust = load_trust(home, TODAY)
    assert trust.root
    assert trust.root.version == 3


def test_an_administrators_host_is_not_left_with_signatures_of_another_root(
    places: Places, roots: Sequence[SignedRoot]
) -> None:
    """Cut short between the new root and its signatures: both the kept ones and those beside the
    root are whole once the command is run again."""
    both = places._replace(administered=True)
    both.administrator.mkdir()
    for signed in roots:
        store(both, signed)
    both.root.write_bytes(roots[2].raw)
    envelope_beside(both.root).write_bytes(roots[0].envelope or b"")
    update(both, read_roots([both.administrator / "roots"]), owner=os.geteuid())
    assert load_trust(both, TODAY, owner=os.geteuid()).root
    assert sorted(read_roots([both.administrator / "roots"])) == sorted(roots)


def test_without_a_pin_nothing_is_trusted(home: Places, roots: Sequence[SignedRoot]) -> None:
    update(home, roots[1:])
    pin_file(home).write_text("0" * 64)
    with pytest.raises(DocumentError, match="no root of trust is pinned"):
        read_trusted(home)
    pin_file(home).unlink()
    with pytest.raises(DocumentError, match="no root of trust is pinned"):
        read_trusted(home)


def test_an_administrators_root_is_followed_too(
    places: Places, roots: Sequence[SignedRoot]
) -> None:
    both = places._replace(administered=True)
    both.administrator.mkdir()
    both.root.write_bytes(roots[0].raw)
    with pytest.raises(StateError):
        read_trusted(both, owner=os.geteuid() + 1)
    update(both, roots[1:], owner=os.geteuid())
    trust = load_trust(both, TODAY, owner=os.geteuid())
    assert trust.root
    assert trust.root.version == 3
    assert not pin_file(both).exists()


def test_other_bytes_lose_their_signatures(home: Places, office: Office) -> None:
    store(home, make(office, 2))
    path = store(home, make(office, 2, expires=date(2031, 1, 1))._replace(envelope=None))
    assert names(path.parent) == ["2.root.json"]


def test_what_cannot_be_read(home: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StateError):
        read_roots([home.config / "missing.json"])
    large = home.config / "large.root.json"
    large.write_bytes(b" " * 70_000)
    with pytest.raises(StateError):
        read_roots([large])
    store(home, read_trusted(home))
    monkeypatch.setattr(chain, "MOST_FILES", 0)
    with pytest.raises(DocumentError, match="at most 0"):
        read_roots([home.config / "roots"])


def test_changes_are_made_to_the_draft(office: Office) -> None:
    before = office.root
    new = RoleKey("new", office.stranger.public)
    change = Change(
        added=((RoleName.ROOT, new), (RoleName.REVOCATION, new)),
        removed=((RoleName.MANIFEST, "officer-3"),),
        thresholds=((RoleName.ROOT, 2),),
    )
    draft = change_root(before, None, change, TODAY, 30)
    assert (draft.version, draft.issued, draft.expires) == (2, TODAY, date(2026, 3, 3))
    assert draft.root == Role(2, (*before.root.keys, new))
    assert draft.manifest.keys == before.manifest.keys[:2]
    assert draft.revocation == Role(1, (new,))
    gone = Change(removed=((RoleName.REVOCATION, new.public.fingerprint),))
    again = change_root(before, draft, gone, TODAY, 30)
    assert (again.version, again.revocation, again.root) == (2, None, draft.root)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (Change(removed=((RoleName.ROOT, "nobody"),)), "has no key nobody"),
        (Change(removed=((RoleName.REVOCATION, "officer-1"),)), "has no key officer-1"),
    ],
)
def test_no_such_change(office: Office, change: Change, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        change_root(office.root, None, change, TODAY, 30)


@pytest.mark.parametrize(
    "change",
    [
        Change(removed=((RoleName.ROOT, "officer-1"),)),
        Change(thresholds=((RoleName.MANIFEST, 4),)),
    ],
)
def test_a_threshold_out_of_reach_is_told_with_what_to_do(office: Office, change: Change) -> None:
    with pytest.raises(DocumentError, match="can never be reached") as caught:
        change_root(office.root, None, change, TODAY, 30)
    assert "--threshold" in caught.value.hint


def test_one_key_or_name_twice(office: Office) -> None:
    first = office.root.manifest.keys[0]
    for key in (first._replace(name="other"), RoleKey(first.name, office.stranger.public)):
        with pytest.raises(DocumentError, match="has a key officer-1 already"):
            change_root(office.root, None, Change(((RoleName.ROOT, key),)), TODAY, 30)


def test_there_is_a_last_version(office: Office) -> None:
    last = office.root._replace(version=2**31 - 1)
    with pytest.raises(DocumentError, match="no version after the last one"):
        change_root(last, None, Change(), TODAY, 30)
