"""Where an open file lies: no way that leads to it hides the quarantine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localai.store.held import Held
from localai.store.state import Place, State, find_place
from localai.store.steps import move

ASK = """
import os, sys
from pathlib import Path
from localai.store.state import find_place
print(find_place(os.open(sys.argv[1], os.O_RDONLY), Path(sys.argv[2])))
"""
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


@pytest.mark.parametrize("bound", ["state", "state/store", "state/store/quarantine"])
def test_another_name_of_the_same_folder(
    held: Held, store: Path, tmp_path: Path, bound: str
) -> None:
    """A home that is mounted a second time, say."""
    (tmp_path / "other").mkdir()
    way = tmp_path / "other" / held.paths[0].relative_to(tmp_path / bound)
    script = 'mount --bind "$1" "$2"; shift 2; exec "$@"'
    folders = (str(tmp_path / bound), str(tmp_path / "other"))
    ask = (sys.executable, "-c", ASK, str(way), str(store))
    command = ["unshare", "--map-root-user", "--mount", "sh", "-euc", script, "sh", *folders, *ask]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.stdout == f"{QUARANTINED}\n", done.stderr
    assert not way.exists()


def test_a_state_that_lies_on_another_disk(held: Held, store: Path, tmp_path: Path) -> None:
    (store / "quarantine").rename(tmp_path / "large")
    (store / "quarantine").symlink_to(tmp_path / "large")
    assert place_of(tmp_path / "large" / "tiny" / "one.gguf", store) == QUARANTINED
    (store / "approved").symlink_to(tmp_path / "large")  # both: it waits
    assert place_of(store / "approved" / "tiny" / "one.gguf", store) == QUARANTINED
    assert held.state is State.QUARANTINE


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
