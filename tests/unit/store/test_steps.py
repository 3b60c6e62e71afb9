"""In, forward, back and out: what lies where afterwards, and who is told to wait."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from bring import DAY, SOURCE, bring
from localai.errors import DocumentError, StateError, UsageError
from localai.hashing import digest_file
from localai.locking import holding
from localai.manifest.schema import ArtifactFile
from localai.store import arrival
from localai.store.arrival import admit, arriving, clear
from localai.store.check import check_held, is_at_rest
from localai.store.held import Held, find_held, list_held
from localai.store.origin import Origin
from localai.store.state import State
from localai.store.steps import keeping, move, remove

CONTENT = b"weights, say"


def tree(top: Path) -> dict[str, int]:
    """Every file below a directory with its mode."""
    paths = (path for path in sorted(top.rglob("*")) if path.is_file())
    return {str(path.relative_to(top)): path.stat().st_mode & 0o777 for path in paths}


def test_what_arrived_lies_in_quarantine(held: Held, store: Path) -> None:
    assert list_held(store) == (held,)
    assert (held.state, held.origin and held.origin.source) == (State.QUARANTINE, SOURCE)
    assert tree(store / "quarantine" / "tiny") == {
        "one.gguf": 0o400, "two.gguf": 0o400, "origin.json": 0o400
    }  # fmt: skip
    assert list((store / "incoming").iterdir()) == []
    assert store.stat().st_mode & 0o777 == store.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_in_a_store_that_is_not_there(store: Path) -> None:
    assert list_held(store) == ()
    assert clear(store) == (0, ())
    assert not store.exists()
    with pytest.raises(UsageError):
        find_held(store, "tiny")


@pytest.mark.parametrize("artifact", ["", "Tiny", "../tiny", "a/b", ".tiny", "tiny\n", "x" * 101])
def test_no_identifier(store: Path, artifact: str) -> None:
    origin = Origin(SOURCE, DAY, (ArtifactFile("a", 1, "a" * 64),))
    with pytest.raises(UsageError):
        admit(store, artifact, origin, [])
    with pytest.raises(UsageError):
        find_held(store, artifact)


@pytest.mark.parametrize("name", ["../aside", "below/one", "origin.json", ".hidden", ""])
def test_no_file_is_put_elsewhere_or_over_another(store: Path, name: str) -> None:
    with arriving(store, "tiny") as place:
        (place / "one").write_bytes(b"12")
        before = sorted(store.parent.rglob("*"))
        origin = Origin(SOURCE, DAY, (ArtifactFile(name, 2, "a" * 64),))
        with pytest.raises(DocumentError):
            admit(store, "tiny", origin, [place / "one"])
        assert sorted(store.parent.rglob("*")) == before


def test_an_identifier_is_taken_in_every_state(held: Held, store: Path) -> None:
    for state in State:
        move(store, find_held(store, "tiny"), state)
        before = tree(store)
        with pytest.raises(UsageError, match="already"):
            bring(store, "tiny", ("other.gguf", b"other"))
        (store / "incoming/tiny/other.gguf").unlink()
        assert tree(store) == before


def test_no_step_onto_another_artifact(held: Held, store: Path) -> None:
    """rename(2) would replace an empty directory without a word."""
    (store / "approved" / "tiny").mkdir(parents=True)
    with pytest.raises(UsageError, match="already"):
        move(store, held, State.APPROVED)
    assert held.paths[0].exists()


def test_one_content_lies_there_once(held: Held, store: Path) -> None:
    approved = move(store, held, State.APPROVED)
    twin = bring(store, "twin", ("same.gguf", CONTENT), ("new.gguf", b"new"))
    assert twin.paths[0].samefile(approved.paths[0])
    assert twin.paths[1].stat().st_nlink == 1
    origin = (approved.directory / "origin.json").stat().st_size
    assert remove(approved) == origin + len(CONTENT) * 2  # the twin keeps the other
    assert twin.paths[0].read_bytes() == CONTENT
    assert check_held(twin).finding.summary == "intact"


@pytest.mark.parametrize("protected", [True, False])
def test_a_twin_is_hashed_before_it_is_linked_to(
    held: Held, store: Path, protected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever changed one file in the store would change every later arrival of it."""
    if not protected:
        monkeypatch.setattr(arrival, "_is_still", lambda *_: True)
    held.paths[0].chmod(0o600)
    held.paths[0].write_bytes(CONTENT[::-1])
    held.paths[0].chmod(0o400)
    later = bring(store, "later", ("one.gguf", CONTENT))
    assert (later.paths[0].read_bytes() == CONTENT) is protected
    assert (check_held(later).finding.summary == "intact") is protected


@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize("how", ["may", "does"])
def test_a_twin_that_somebody_writes_to_is_none(
    held: Held, store: Path, how: str, protected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what arrives could be changed from its first moment, and bringing it again would not
    help."""
    if not protected:
        monkeypatch.setattr(arrival, "is_at_rest", lambda *_: True)
    held.paths[0].chmod(0o600)
    with held.paths[0].open("r+b"):
        held.paths[0].chmod(0o600 if how == "may" else 0o400)
        later = bring(store, "later", ("one.gguf", CONTENT))
        assert (check_held(later).finding.summary == "intact") is protected
        assert check_held(held).finding.refuses


def test_a_twin_of_which_nobody_can_say_who_writes_to_it_is_none(held: Held) -> None:
    """Of such a descriptor the kernel gives no lease."""
    for flags, at_rest in ((os.O_RDONLY, True), (os.O_PATH, False)):
        fd = os.open(held.paths[0], flags)
        assert is_at_rest(fd, (os.geteuid(),)) is at_rest
        os.close(fd)


def test_a_link_in_the_place_of_a_twin_is_none(held: Held, store: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(CONTENT)
    held.paths[0].unlink()
    held.paths[0].symlink_to(tmp_path / "outside")
    later = bring(store, "later", ("one.gguf", CONTENT))
    assert not later.paths[0].is_symlink()
    assert later.paths[0].stat().st_nlink == 1


def test_a_file_system_that_will_not_link_a_twin(
    held: Held, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was removed between two looks: the arrival's own bytes are taken."""
    hashed = digest_file

    def and_gone(fd: int, size: int, **more: object) -> object:
        held.paths[0].unlink(missing_ok=True)
        return hashed(fd, size, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(arrival, "digest_file", and_gone)
    later = bring(store, "later", ("one.gguf", CONTENT))
    assert later.paths[0].read_bytes() == CONTENT


def test_what_is_not_what_arrived_is_not_taken(store: Path, tmp_path: Path) -> None:
    """All or nothing: the first file of two is not left behind."""
    (tmp_path / "outside").write_bytes(b"12")
    with arriving(store, "tiny") as place:
        good, short, link = place / "good", place / "short", place / "link"
        good.write_bytes(b"12")
        short.write_bytes(b"1")
        link.symlink_to(tmp_path / "outside")
        files = (ArtifactFile("good", 2, "a" * 64), ArtifactFile("bad", 2, "b" * 64))
        for bad in (short, link, place):
            with pytest.raises(StateError, match="is not the file that arrived"):
                admit(store, "tiny", Origin(SOURCE, DAY, files), [good, bad])
            assert list_held(store) == ()
            assert [path.name for path in (store / "incoming").iterdir()] == ["tiny"]


def test_steps_go_both_ways(held: Held, store: Path) -> None:
    content = tree(held.directory)
    for state in (State.PROPOSED, State.APPROVED, State.PROPOSED, State.QUARANTINE):
        moved = move(store, find_held(store, "tiny"), state)
        assert list_held(store) == (moved,)
        assert (moved.state, tree(moved.directory)) == (state, content)


def test_a_removal_frees_what_nobody_else_has(held: Held, store: Path) -> None:
    origin = (held.directory / "origin.json").stat().st_size
    assert remove(held) == 3 * len(CONTENT) + origin
    assert tree(store) == {"steps.lock": 0o600}


def test_one_command_at_a_time(held: Held, store: Path) -> None:
    with keeping(held):
        with pytest.raises(StateError, match="another command is at work") as refused:
            remove(held)
        assert f"ps -fp {os.getpid()}" in refused.value.hint
        moved = move(store, held, State.PROPOSED)
        with pytest.raises(StateError, match="another command is at work"):
            remove(moved)  # whatever its state
        assert clear(store).busy == ("step.tiny",)
    with pytest.raises(StateError, match="another command moved"):
        remove(held)  # as it was looked at before
    remove(moved)
    assert not list((store / "incoming").iterdir())
    with arriving(store, "tiny"), pytest.raises(StateError), arriving(store, "tiny"):
        pass


def test_a_lock_of_what_lay_there_before_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking something else can get the name."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    flock = fcntl.flock

    def late(fd: int, operation: int) -> None:
        one.rename(tmp_path / "gone")
        two.rename(one)
        flock(fd, operation)

    with holding(one) as held:
        assert held
    monkeypatch.setattr(fcntl, "flock", late)
    with holding(one) as held:
        assert not held


def test_leftovers_are_cleared_and_arrivals_are_not(held: Held, store: Path) -> None:
    incoming = store / "incoming"
    with arriving(store, "broken") as place:
        (place / "part").write_bytes(b"12345")
    (incoming / "stray").write_bytes(b"123")
    (incoming / "link").symlink_to(held.directory)
    os.mkfifo(incoming / "pipe")
    before = tree(held.directory)
    with arriving(store, "now") as place, (incoming / "single.part").open("wb") as single:
        (place / "part").write_bytes(b"1")
        with holding(incoming / "single.part"):
            assert clear(store) == (8, ("now", "single.part"))
            assert sorted(path.name for path in incoming.iterdir()) == ["now", "single.part"]
            assert (place / "part").exists()
        single.write(b"12")
    assert clear(store) == (3, ())
    assert list(incoming.iterdir()) == []
    assert tree(held.directory) == before


def test_a_leftover_that_others_share_frees_nothing(held: Held, store: Path) -> None:
    with arriving(store, "broken") as place:
        os.link(held.paths[0], place / "same")
    assert clear(store).freed == 0
    assert held.paths[0].read_bytes() == CONTENT
