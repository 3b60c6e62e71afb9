"""A file is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from localai.atomicfile import write_whole
from localai.errors import StateError


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"one")
    write_whole(path, b"two", mode=0o644)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["file"]


def test_not_replaced_where_that_was_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"one", replace=False)
    with pytest.raises(StateError, match="exists already"):
        write_whole(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_file_stays_what_it_is(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """``--junit /dev/stdout`` as root would put a file in the place of a device."""
    make(tmp_path / "special")
    before = (tmp_path / "special").lstat()
    with pytest.raises(StateError, match="no file that could be written anew"):
        write_whole(tmp_path / "special", b"two")
    assert (tmp_path / "special").lstat() == before
    assert names(tmp_path) == ["special"]


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot write") as refused:
        write_whole(tmp_path / "missing" / "file", b"one")
    assert refused.value.hint.startswith("make the folder first")
    assert names(tmp_path) == []


def test_nobody_is_told_to_open_what_is_not_theirs() -> None:
    """The kernel's own file system takes no file of anybody's, not even of root's."""
    with pytest.raises(StateError, match="cannot write") as refused:
        write_whole(Path("/sys/localai"), b"x")
    assert refused.value.hint.startswith("do it as an account that may write there")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    import resource
    import signal

    path = tmp_path / "file"
    write_whole(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StateError, match="cannot write"):
            write_whole(path, b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]
