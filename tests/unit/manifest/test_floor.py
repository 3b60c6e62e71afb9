"""What was seen is remembered, rises only, and is never half written."""

from __future__ import annotations

from pathlib import Path

import pytest
from office import names

from localai.errors import StateError
from localai.manifest.floor import Floor, Floors, read_floors, remember

KEYS = "a" * 64


def floor(version: int, content: str = "0", keys: str = KEYS) -> Floor:
    return Floor(version, content * 64, keys)


def test_nothing_seen(tmp_path: Path) -> None:
    assert read_floors(tmp_path).manifests == {}
    assert read_floors(tmp_path / "missing").manifests == {}


def test_it_survives_and_rises(tmp_path: Path) -> None:
    state = tmp_path / "state"
    remember(state, {"one": floor(1), "two": floor(7)})
    remember(state, {"one": floor(2)})
    assert read_floors(state).manifests == {"one": floor(2), "two": floor(7)}
    assert (state / "floors.json").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700


def test_it_never_falls(tmp_path: Path) -> None:
    remember(tmp_path, {"one": floor(5)})
    remember(tmp_path, {"one": floor(4)})
    remember(tmp_path, {"one": floor(5, "1")})
    assert read_floors(tmp_path).manifests == {"one": floor(5)}


def test_the_list_of_what_is_revoked_has_a_floor_of_its_own(tmp_path: Path) -> None:
    remember(tmp_path, {"one": floor(5)}, floor(2))
    remember(tmp_path, {"one": floor(6)})
    remember(tmp_path, {}, floor(1))
    assert read_floors(tmp_path) == Floors({"one": floor(6)}, floor(2))
    remember(tmp_path, {}, floor(3))
    remember(tmp_path, {}, floor(1, keys="b" * 64))
    assert read_floors(tmp_path) == Floors({"one": floor(6)}, floor(1, keys="b" * 64))


def test_other_keys_start_anew(tmp_path: Path) -> None:
    remember(tmp_path, {"one": floor(5)})
    remember(tmp_path, {"one": floor(1, keys="b" * 64)})
    assert read_floors(tmp_path).manifests == {"one": floor(1, keys="b" * 64)}


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    remember(tmp_path, {"one": floor(5)})
    before = (tmp_path / "floors.json").stat()
    remember(tmp_path, {"one": floor(5)})
    remember(tmp_path, {})
    after = (tmp_path / "floors.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"{}", b'{"schema": "localai.floors/2", "manifests": {}}',
     b'{"schema": "localai.floors/1", "manifests": {"one": {"version": 1}}}',
     b'{"schema": "localai.floors/1", "manifests": {}, "x": 1}', b" " * 300_000],
)  # fmt: skip
def test_damage_is_no_clean_slate(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "floors.json").write_bytes(damage)
    for act in (lambda: read_floors(tmp_path), lambda: remember(tmp_path, {"one": floor(1)})):
        with pytest.raises(StateError):
            act()
    assert (tmp_path / "floors.json").read_bytes() == damage


def test_more_names_than_can_be_read_again_are_not_written(tmp_path: Path) -> None:
    """Or every start would be refused from then on, and the floors taken for damaged."""
    remember(tmp_path, {"one": floor(5)})
    with pytest.raises(StateError, match="no more manifests"):
        remember(tmp_path, {f"name-{number}": floor(1) for number in range(1500)})
    assert read_floors(tmp_path).manifests == {"one": floor(5)}


def test_an_unwritable_state_directory(tmp_path: Path) -> None:
    """A file where the directory should be: that stops root too."""
    state = tmp_path / "state"
    state.write_text("in the way")
    with pytest.raises(StateError):
        remember(state, {"one": floor(1)})


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    remember(tmp_path, {"one": floor(1)})
    assert names(tmp_path) == ["floors.json", "floors.lock"]
