"""What a worker asks of a file that is loaded from where it lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localai.errors import WorkerError
from localai.worker.__main__ import _check_models


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file of another account's."""
    if os.getuid():
        return Path(os.path.realpath("/usr/bin/env"))
    path = tmp_path / "file"
    path.write_bytes(b"weights")
    os.chown(path, 4711, 4711)
    return path


def check(path: Path, *, flags: int = os.O_RDONLY, size: int = 0, inode: int = 0) -> None:
    """Ask about ``path``, with other numbers than its own where some are added."""
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        _check_models([fd], [found.st_size + size], [[found.st_dev, found.st_ino + inode]])
    finally:
        os.close(fd)


def test_the_very_file(kept: Path) -> None:
    check(kept)


def test_another_file(kept: Path) -> None:
    for wrong in ({"size": 1}, {"inode": 1}):
        with pytest.raises(WorkerError, match="not as measured"):
            check(kept, **wrong)


def test_a_file_of_ones_own_or_open_for_writing(kept: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_bytes(b"weights")
    with pytest.raises(WorkerError, match="not as measured"):
        check(own)
    if os.getuid():
        pytest.skip("only root can open a file of another's for writing")
    with pytest.raises(WorkerError, match="not as measured"):
        check(kept, flags=os.O_RDWR)
    for mode in (0o464, 0o446):
        kept.chmod(mode)
        with pytest.raises(WorkerError, match="not as measured"):
            check(kept)


def test_memory_that_is_not_sealed_and_what_is_no_file(tmp_path: Path) -> None:
    vessel = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    with pytest.raises(WorkerError, match="not as measured"):
        _check_models([vessel], [0], [None])
    os.close(vessel)
    with pytest.raises(WorkerError, match="not as measured"):
        check(Path(os.devnull))
