"""A folder's lock: one command at a time, and nobody waits for ever or leaves anything behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localai.errors import StateError
from localai.locking import locked_folder


def test_while_one_command_holds_it_no_other_does(tmp_path: Path) -> None:
    with locked_folder(tmp_path):
        with (
            pytest.raises(StateError, match="locked all the time") as refused,
            locked_folder(tmp_path, 0.1),
        ):
            pytest.fail("two at once")
        # some file systems have another number for the folder than the kernel's list of locks
        assert f"{os.getpid()};" in refused.value.hint or "lslocks;" in refused.value.hint
    with locked_folder(tmp_path, 0):
        assert list(tmp_path.iterdir()) == []


def test_it_ends_with_the_process_however_that_ends(tmp_path: Path) -> None:
    pid = os.fork()
    if not pid:
        with locked_folder(tmp_path):
            os._exit(0)
    os.waitpid(pid, 0)
    with locked_folder(tmp_path, 0):
        pass


def test_a_folder_that_may_only_be_read_will_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with locked_folder(tmp_path, 0):
        pass
    tmp_path.chmod(0o700)


def test_no_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(StateError, match="cannot read"), locked_folder(path):
            pytest.fail("there is none")
