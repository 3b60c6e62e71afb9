"""Small files that decide something: what is not one, or not its owner's alone, is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localai.errors import StateError
from localai.smallfile import is_there, list_files, read_small


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_small(tmp_path / "none") is None
    (tmp_path / "file").touch()
    assert read_small(tmp_path / "file" / "below") is None


def test_a_dangling_link_is_there(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(StateError, match="does not exist"):
        read_small(link)
    (tmp_path / "target").write_bytes(b"x")
    assert read_small(link) == b"x"


def test_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_small(path, limit=100) == b"x" * 100
    with pytest.raises(StateError, match="larger"):
        read_small(path, limit=99)


def test_only_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(StateError, match="not a regular file"):
            read_small(path)


@pytest.mark.parametrize(
    ("mode", "believed"), [(0o600, True), (0o644, True), (0o664, False), (0o646, False)]
)
def test_writable_for_its_owner_alone(tmp_path: Path, mode: int, believed: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(mode)
    assert read_small(path) == b"x"
    if believed:
        assert read_small(path, owner=os.getuid()) == b"x"
    else:
        with pytest.raises(StateError, match="nobody else"):
            read_small(path, owner=os.getuid())


def test_somebody_elses_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StateError, match="belongs to"):
        read_small(tmp_path / "file", owner=os.getuid() + 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_file_is_an_error_not_an_absence(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o000)
    with pytest.raises(StateError, match="cannot read"):
        read_small(tmp_path / "file")


def test_files_of_a_folder_by_their_names(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", ".hidden.yaml", "a.json", "yaml"):
        (tmp_path / name).touch()
    assert [path.name for path in list_files(tmp_path, ".yaml")] == ["a.yaml", "b.yaml"]
    assert list_files(tmp_path / "none", ".yaml") == []


def test_a_folder_that_cannot_be_read_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / ("x" * 300)):
        with pytest.raises(StateError, match="cannot read") as refused:
            list_files(path, ".yaml")
        assert str(path) in refused.value.hint


def test_what_cannot_be_seen_is_not_absent(tmp_path: Path) -> None:
    assert not is_there(tmp_path / "link")
    (tmp_path / "link").symlink_to("gone")
    assert is_there(tmp_path / "link")
    assert not is_there(tmp_path / "link" / "below")
    with pytest.raises(StateError, match="cannot look into"):
        is_there(tmp_path / ("x" * 300))
