"""A store that is open to other accounts: what waits is kept from them by its directories alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bring import bring
from localai.errors import StateError, UsageError
from localai.store.access import find_keepers, is_shared, list_states, refuse_others
from localai.store.arrival import clear
from localai.store.check import check_held, check_store
from localai.store.held import Held, list_held
from localai.store.setup import make_shared
from localai.store.state import State
from localai.store.steps import move


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    make_shared(tmp_path / "models" / "store")
    return tmp_path / "models" / "store"


def modes(held: Held) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in held.directory.iterdir()}


def test_its_modes_stay_through_every_step(shared: Path) -> None:
    held = bring(shared, "tiny", ("one.gguf", b"x"))
    for state in (State.PROPOSED, State.APPROVED, State.QUARANTINE, State.APPROVED):
        held = move(shared, held, state)
        assert (modes(held), held.directory.stat().st_mode & 0o777) == ({0o444}, 0o755)
    twin = bring(shared, "twin", ("two.gguf", b"x"))
    assert modes(twin) == {0o444}
    assert twin.paths[0].samefile(held.paths[0])
    assert not any(one.finding.refuses for one in (*check_store(shared), check_held(held)))


def test_one_s_own_stays_closed(tmp_path: Path) -> None:
    held = bring(tmp_path / "store", "tiny", ("one.gguf", b"x"))
    assert (modes(held), held.directory.stat().st_mode & 0o777) == ({0o400}, 0o700)
    assert not is_shared(held.store)
    assert list_states(held.store) == tuple(State)


def test_what_is_there_gets_its_rights_again(shared: Path) -> None:
    bring(shared, "tiny", ("one.gguf", b"x"))
    for name, mode in (("quarantine", 0o755), ("approved", 0o700), (".", 0o700)):
        (shared / name).chmod(mode)
    make_shared(shared)
    assert [(shared / name).stat().st_mode & 0o777 for name in ("quarantine", "approved", ".")] == [
        0o700, 0o755, 0o755,
    ]  # fmt: skip
    assert [one.id for one in list_held(shared)] == ["tiny"]


def test_what_others_left_there_is_not_touched(shared: Path, tmp_path: Path) -> None:
    """Root would open another folder to everybody, through a link that somebody put there."""
    (tmp_path / "secret").mkdir(mode=0o700)
    (shared / "approved").rmdir()
    (shared / "approved").symlink_to(tmp_path / "secret")
    with pytest.raises(StateError, match="approved is no directory"):
        make_shared(shared)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o700
    (shared / "approved").unlink()
    make_shared(shared)
    if os.getuid():
        pytest.skip("only root can give a folder away: others' folders were not tested")
    os.chown(shared / "quarantine", 4711, 4711)
    with pytest.raises(StateError, match="quarantine belongs to uid 4711"):
        make_shared(shared)


def test_whose_files_may_lie_there(shared: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a store away: stores of others were not tested")
    for owner, keepers in ((998, {0, 998}), (4711, {0})):
        os.chown(shared, owner, owner)
        assert find_keepers(shared) == keepers
    with pytest.raises(StateError, match="belongs to uid 4711"):
        make_shared(shared)


def test_a_reader_s_own_files_are_none_of_them(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid():
        pytest.skip("only root can make a store of the system's: its readers were not tested")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert find_keepers(shared) == {0}
    shared.chmod(0o700)
    assert find_keepers(shared) == {0, 4711}


def test_a_store_that_others_can_change_is_not_worked_on(shared: Path, tmp_path: Path) -> None:
    """Root names a folder, and somebody else chooses what lies in it."""
    refuse_others(shared)
    refuse_others(tmp_path / "none")
    for mode in (0o775, 0o757):
        shared.chmod(mode)
        with pytest.raises(UsageError, match="others may write to it"):
            refuse_others(shared)
    theirs = Path("/") if os.geteuid() else tmp_path / "theirs"
    if os.geteuid() == 0:
        theirs.mkdir(mode=0o755)
        os.chown(theirs, 12345, 12345)
    with pytest.raises(UsageError, match="no store of this account's"):
        refuse_others(theirs)


def test_what_a_link_leads_to_is_not_cleared(tmp_path: Path) -> None:
    store, precious = tmp_path / "store", tmp_path / "precious"
    store.mkdir()
    (precious / "folder").mkdir(parents=True)
    (store / "incoming").symlink_to(precious)
    with pytest.raises(StateError, match="is a link"):
        clear(store)
    assert (precious / "folder").is_dir()
