"""Where an open file lies: no way that leads to it hides the quarantine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localai.store.held import Held
from localai.store.state import Place, State, find_place
from localai.store.steps import move

QUARANTINED = Place("quarantine", "tiny")


def place_of(path: Path, store: Path) -> Place:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return find_place(fd, store)
    finally:
        os.close(fd)


def test_every_way_to_a_file(held: Held, store: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(held.directory)
    (tmp_path / "file").symlink_to(held.paths[0])
    (tmp_path / "store").symlink_to(store)
    ways = (
        held.paths[0],
        store / "approved" / ".." / "quarantine" / "tiny" / "one.gguf",
        tmp_path / "folder" / "one.gguf",
        tmp_path / "file",
        tmp_path / "store" / "quarantine" / "tiny" / "one.gguf",
    )
    (store / "approved").mkdir()
    (store / "approved" / "sly").symlink_to(held.directory)
    for way in (*ways, store / "approved" / "sly" / "one.gguf"):
        assert place_of(way, store) == QUARANTINED, way
        assert place_of(way, tmp_path / "store") == QUARANTINED, way
    assert QUARANTINED.waits


def test_it_is_the_file_that_was_opened(held: Held, store: Path) -> None:
    """What is moved or removed after it was opened does not become another file."""
    fd = os.open(held.paths[0], os.O_RDONLY | os.O_CLOEXEC)
    try:
        moved = move(store, held, State.PROPOSED)
        assert find_place(fd, store) == Place("proposed", "tiny")
        moved.paths[0].unlink()
        assert find_place(fd, store).waits
    finally:
        os.close(fd)


@pytest.mark.parametrize("name", ["incoming/tiny/one.gguf", "one.gguf", "other/tiny/one.gguf"])
def test_all_of_the_store_but_what_is_approved_waits(store: Path, name: str) -> None:
    path = store / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert place_of(path, store).waits


def test_what_is_approved_and_what_lies_elsewhere_may_run(held: Held, store: Path) -> None:
    beside = store.with_name("store-of-mine") / "quarantine" / "tiny"
    beside.mkdir(parents=True)
    (beside / "one.gguf").write_bytes(b"x")
    assert place_of(beside / "one.gguf", store) == Place()
    assert not Place().waits
    approved = place_of(move(store, held, State.APPROVED).paths[0], store)
    assert (approved, approved.waits) == (Place("approved", "tiny"), False)
