"""Everything below a folder is met once, or it is said why not."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from localai.audit.walk import Seen, Unseen, walk
from localai.sandbox import kernel


def seen(*folders: Path, skip: tuple[Path, ...] = ()) -> list[str]:
    """The names of all files; nothing else may have been said."""
    found = list(walk(folders, skip))
    assert all(isinstance(one, Seen) for one in found), found
    return [one.path.name for one in found]


def make(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_every_file_is_met_once(tmp_path: Path) -> None:
    make(tmp_path / "b/c/two", tmp_path / "b/one", tmp_path / "three")
    (tmp_path / "empty").touch()
    assert seen(tmp_path) == ["three", "one", "two"]
    assert seen(tmp_path, tmp_path / "b", tmp_path) == ["three", "one", "two"]


def test_names_of_every_kind(tmp_path: Path) -> None:
    names = [b"new\nline", b"\xff\xfe", "\u202ebidi".encode(), b"-rf", b" ", b"'; x"]
    for name in names:
        make(tmp_path / os.fsdecode(name))
    found = [one.path for one in walk([tmp_path])]
    assert sorted(os.fsencode(path.name) for path in found) == sorted(names)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    make(tmp_path / "file")
    assert seen(tmp_path) == ["file"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    make(tmp_path / "a/b/file")
    (tmp_path / "a/b/up").symlink_to("../..")
    (tmp_path / "a/itself").symlink_to("itself")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "gone").symlink_to("nothing")
    assert seen(tmp_path) == ["file"]


def test_a_link_that_leads_out(tmp_path: Path) -> None:
    """To a file: that file is met. To a folder: it is said, with what to type."""
    make(tmp_path / "outside/model", tmp_path / "outside/more/model", tmp_path / "in/file")
    (tmp_path / "in/model").symlink_to(tmp_path / "outside/model")
    (tmp_path / "in/again").symlink_to(tmp_path / "outside/model")
    assert seen(tmp_path / "in") == ["model", "file"]
    (tmp_path / "in/more").symlink_to(tmp_path / "outside/more it's", target_is_directory=True)
    (tmp_path / "outside/more it's").mkdir()
    (said,) = [one for one in walk([tmp_path / "in"]) if isinstance(one, Unseen)]
    assert said.path.name == "more" and "outside/more it" in said.why
    assert said.remedy.endswith("""more it'"'"'s'""")
    assert seen(tmp_path / "in", tmp_path / "outside") == ["file", "model", "model"]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    make(tmp_path / "real/file")
    (tmp_path / "link").symlink_to("real")
    assert seen(tmp_path / "link") == ["file"]


def test_the_kernels_own_file_systems_are_left_out(tmp_path: Path) -> None:
    make(tmp_path / "proc/file", tmp_path / "file")
    assert seen(tmp_path, skip=(tmp_path / "proc",)) == ["file"]


def test_a_folder_that_vanishes_has_nothing_in_it(tmp_path: Path) -> None:
    make(tmp_path / "a", tmp_path / "b/file", tmp_path / "c/file")
    found = walk([tmp_path])
    assert isinstance(next(found), Seen)
    (tmp_path / "b/file").unlink()
    (tmp_path / "b").rmdir()
    assert [one.path for one in found] == [tmp_path / "c/file"]


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    top = here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=here)
        here, before = os.open("d" * 200, os.O_RDONLY, dir_fd=here), here
        if before != top:
            os.close(before)
    os.close(here)
    (said,) = walk([tmp_path])
    os.close(top)
    assert isinstance(said, Unseen) and said.why == "File name too long"


@pytest.fixture
def anyone() -> Iterator[Path]:
    """A folder of an account that is not root, which this process is meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        root = os.geteuid() == 0
        if root:
            os.chown(name, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
                kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # a change of uid hides a process, prctl(2)


def test_an_unreadable_folder_is_told(anyone: Path) -> None:
    make(anyone / "a/file", anyone / "b/file")
    (anyone / "a").chmod(0)
    said, file = walk([anyone])
    (anyone / "a").chmod(0o700)
    assert isinstance(file, Unseen) != isinstance(said, Unseen)
    (told,) = [one for one in (said, file) if isinstance(one, Unseen)]
    assert told.path == anyone / "a" and told.why == "Permission denied"
    assert seen(anyone) == ["file", "file"]
