"""What is named where a command takes a file: a file goes first, whatever the store has."""

from __future__ import annotations

from pathlib import Path

import pytest

from bring import bring
from localai.cli.stores.naming import find_files, find_model, next_command
from localai.manifest.schema import Kind
from localai.store.held import Held
from localai.store.state import State
from localai.store.steps import move


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    """An artifact of two files, and a working directory that is empty."""
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")
    monkeypatch.setenv("LOCALAI_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    store = tmp_path / "home" / "state" / "store"
    return bring(store, "tiny", ("one.gguf", b"one"), ("two.gguf", b"two"))


def test_an_artifact_by_its_name(held: Held) -> None:
    assert find_files(Path("tiny")) == held.paths
    assert find_model(Path("tiny")) == held.paths[0]


@pytest.mark.parametrize("name", ["other", "sub/tiny", "/tiny", "..", ".", "Tiny", "two words"])
def test_anything_else_stays_what_it_is(held: Held, name: str) -> None:
    assert find_files(Path(name)) == (Path(name),)


def test_a_file_goes_first_and_a_folder_does_not(held: Held) -> None:
    Path("tiny").mkdir()
    assert find_model(Path("tiny")) == held.paths[0]
    Path("tiny").rmdir()
    Path("tiny").symlink_to("gone")
    assert find_model(Path("tiny")) == Path("tiny")
    Path("tiny").unlink()
    Path("tiny").touch()
    assert find_model(Path("tiny")) == Path("tiny")


def test_an_artifact_that_cannot_be_read_has_no_files(held: Held) -> None:
    (held.directory / "origin.json").unlink()
    assert find_files(Path("tiny")) == (Path("tiny"),)


def test_the_next_command(held: Held, tmp_path: Path) -> None:
    store = tmp_path / "home" / "state" / "store"
    (tmp_path / "work" / "aside").symlink_to(held.directory)
    for path in (held.paths[0], Path("aside/one.gguf")):
        assert next_command(path, Kind.MODEL, store) == "localai store promote tiny"
    approved = move(store, held, State.APPROVED).paths[0]
    assert next_command(approved, Kind.MODEL, store) == f"localai run {approved}"
    assert next_command(Path("a b.gguf"), Kind.MODEL, store) == "localai run 'a b.gguf'"
    for kind in set(Kind) - {Kind.MODEL}:
        assert next_command(approved, kind, store) == f"localai verify {approved}"
