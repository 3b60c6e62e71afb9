"""Loading from disk: the right files, no links, no namesakes, and the floor remembered."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from office import TODAY, MakeRaw, Office

from localai.errors import StateError
from localai.findings import refused
from localai.manifest import folders
from localai.manifest.folders import check_count
from localai.manifest.load import load_manifests, load_trust, pin_file, pin_root, verify_file
from localai.manifest.verify import Authority
from localai.places import Places


def put(path: Path, raw: bytes, envelope: bytes | None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    if envelope is not None:
        path.with_name(path.stem + ".dsse.json").write_bytes(envelope)
    return path


@pytest.fixture
def home(places: Places, office: Office) -> Places:
    """The places, with the office's root of trust pinned."""
    pin_root(places, office.root_raw, office.root_envelope)
    return places


def test_nothing_there(places: Places) -> None:
    assert load_manifests(places, TODAY) == ()
    assert load_trust(places, TODAY).problem == "no root of trust"
    assert not places.state.exists()


def test_a_good_one(home: Places, office: Office, make_raw: MakeRaw) -> None:
    raw = make_raw()
    path = put(home.manifests / "a.yaml", raw, office.sign(raw))
    (loaded,) = load_manifests(home, TODAY)
    assert (loaded.path, loaded.name) == (path, "vectors")
    assert [entry.id for entry in loaded.entries] == ["model-one"]
    assert not refused(loaded.findings)


def test_the_floor_is_remembered_from_start_to_start(
    home: Places, office: Office, make_raw: MakeRaw
) -> None:
    def load_one(raw: bytes) -> tuple[bool, str]:
        put(home.manifests / "a.yaml", raw, office.sign(raw))
        (loaded,) = load_manifests(home, TODAY)
        return bool(loaded.entries), loaded.findings[1].summary

    assert load_one(make_raw(version=4))[0]
    assert load_one(make_raw(version=5))[0]
    assert load_one(make_raw(version=4)) == (False, "rolled back")
    assert load_one(make_raw(version=5, note="other")) == (False, "two contents, one version")
    assert load_one(make_raw(version=5))[0]
    assert load_one(make_raw(version=6, entries=())) == (False, "59 days left")
    assert load_one(make_raw(version=5)) == (False, "rolled back")


def test_deleting_the_floor_is_what_it_takes(
    home: Places, office: Office, make_raw: MakeRaw
) -> None:
    """The protection taken away: without what was remembered the old one passes."""
    for version in (5, 4):
        raw = make_raw(version=version)
        put(home.manifests / "a.yaml", raw, office.sign(raw))
        (loaded,) = load_manifests(home, TODAY)
    assert not loaded.entries
    (home.state / "floors.json").unlink()
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.entries


def test_only_yaml_files_count(home: Places, office: Office, make_raw: MakeRaw) -> None:
    raw = make_raw()
    for name in ("a.yml", ".a.yaml", "a.yaml.bak", "sub/a.yaml"):
        put(home.manifests / name, raw, office.sign(raw))
    assert load_manifests(home, TODAY) == ()


def test_links_are_not_followed(
    home: Places, office: Office, make_raw: MakeRaw, tmp_path: Path
) -> None:
    raw = make_raw()
    target = put(tmp_path / "elsewhere" / "a.yaml", raw, office.sign(raw))
    home.manifests.mkdir()
    (home.manifests / "a.yaml").symlink_to(target)
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.entries == ()
    assert loaded.findings[0].summary == "unreadable"
    assert "is a link" in loaded.findings[0].evidence
    assert str(target) in loaded.findings[0].remedy


def test_what_is_no_file_is_refused_without_waiting(home: Places) -> None:
    home.manifests.mkdir()
    os.mkfifo(home.manifests / "fifo.yaml")
    (home.manifests / "directory.yaml").mkdir()
    for loaded in load_manifests(home, TODAY):
        assert refused(loaded.findings)
        assert loaded.findings[0].summary == "unreadable"


def test_namesakes_refuse_each_other(home: Places, office: Office, make_raw: MakeRaw) -> None:
    for file, version in (("a", 3), ("b", 4)):
        raw = make_raw(version=version)
        put(home.manifests / f"{file}.yaml", raw, office.sign(raw))
    first, second = load_manifests(home, TODAY)
    assert first.entries == second.entries == ()
    assert not (home.state / "floors.json").exists()


def test_two_manifests(home: Places, office: Office, make_raw: MakeRaw) -> None:
    raw = make_raw()
    put(home.manifests / "a.yaml", raw, office.sign(raw))
    put(home.manifests / "b.yaml", make_raw(name="other", entries=()), None)
    good, bad = load_manifests(home, TODAY)
    assert good.entries
    assert (bad.name, bad.findings[0].summary) == ("b", "unsigned")


def test_too_many(home: Places, monkeypatch: pytest.MonkeyPatch, make_raw: MakeRaw) -> None:
    monkeypatch.setattr(folders, "MOST", 1)
    for name in ("a", "b"):
        put(home.manifests / f"{name}.yaml", make_raw(), None)
    with pytest.raises(StateError, match="at most 1"):
        load_manifests(home, TODAY)


def test_nobody_puts_one_too_many_there(
    home: Places, monkeypatch: pytest.MonkeyPatch, make_raw: MakeRaw
) -> None:
    path, other = home.manifests / "a.yaml", home.manifests / "b.yaml"
    put(path, make_raw(), None)
    check_count(other)
    monkeypatch.setattr(folders, "MOST", 1)
    check_count(path)
    with pytest.raises(StateError, match="there are 1 manifests"):
        check_count(other)


def test_without_a_pin_nothing_counts(home: Places, office: Office, make_raw: MakeRaw) -> None:
    raw = make_raw()
    put(home.manifests / "a.yaml", raw, office.sign(raw))
    pin_file(home).unlink()
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.findings[0].summary == "root not pinned"
    assert loaded.entries == ()


def test_another_root_in_its_place(home: Places, office: Office, make_raw: MakeRaw) -> None:
    intruder = Office()
    raw = make_raw()
    put(home.manifests / "a.yaml", raw, intruder.sign(raw))
    put(home.root, intruder.root_raw, intruder.root_envelope)
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.findings[0].summary == "root is not the pinned one"
    pin_root(home, intruder.root_raw, intruder.root_envelope)  # the protection taken away
    (loaded,) = load_manifests(home, TODAY)
    assert loaded.entries


def administered(places: Places, office: Office, make_raw: MakeRaw) -> Places:
    raw = make_raw()
    put(places.administrator / "manifests" / "a.yaml", raw, office.sign(raw))
    put(places.administrator / "root.json", office.root_raw, office.root_envelope)
    return places._replace(administered=True)


def test_the_administrators_files_count_and_the_users_do_not(
    home: Places, office: Office, make_raw: MakeRaw
) -> None:
    raw = make_raw(name="mine")
    put(home.manifests / "mine.yaml", raw, office.sign(raw))
    both = administered(home, office, make_raw)
    (loaded,) = load_manifests(both, TODAY, owner=os.geteuid())
    assert loaded.name == "vectors"
    assert loaded.verification.authority is Authority.ADMINISTRATOR
    assert loaded.entries


def test_an_administrators_root_that_others_own_or_can_write(
    places: Places, office: Office, make_raw: MakeRaw
) -> None:
    both = administered(places, office, make_raw)
    (loaded,) = load_manifests(both, TODAY, owner=os.geteuid() + 1)
    assert loaded.findings[0].summary == "root unreadable"
    (both.administrator / "root.json").chmod(0o664)
    (loaded,) = load_manifests(both, TODAY, owner=os.geteuid())
    assert loaded.findings[0].summary == "root unreadable"
    assert loaded.entries == ()


def test_verify_file_remembers_nothing(
    home: Places, office: Office, make_raw: MakeRaw, tmp_path: Path
) -> None:
    raw = make_raw()
    path = put(tmp_path / "draft" / "a.yaml", raw, office.sign(raw))
    assert verify_file(path, home, TODAY).entries
    assert not home.state.exists()
    assert verify_file(path, home, date(2030, 1, 1)).entries == ()
    assert verify_file(tmp_path / "missing.yaml", home, TODAY).findings[0].refuses


def test_an_unwritable_state_starts_nothing(
    home: Places, office: Office, make_raw: MakeRaw
) -> None:
    raw = make_raw()
    put(home.manifests / "a.yaml", raw, office.sign(raw))
    home.state.write_text("in the way")
    with pytest.raises(StateError):
        load_manifests(home, TODAY)
