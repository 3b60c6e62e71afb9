"""Who starts this: by the kernel's word, not by the environment's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from localai.account import Account, Origin, read_account


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Account]:
    (tmp_path / "passwd").write_text(f"pat:x:{os.getuid()}:9:Pat:/home/pat:/bin/sh\nbad line\n")
    (tmp_path / "group").write_text(f"it-staff:x:{os.getgid()}:\n")

    def read(environ: dict[str, str], **paths: Path) -> Account:
        given = {name: tmp_path / name for name in ("passwd", "group", "login_uid")} | paths
        return read_account(environ, terminal=False, **given)

    return read


def test_a_local_account(read: Callable[..., Account]) -> None:
    account = read({"USER": "somebody", "LOGNAME": "somebody"})
    assert (account.name, account.origin, account.uid) == ("pat", Origin.LOCAL, os.getuid())
    assert "it-staff" in account.groups


def test_an_account_that_is_not_in_the_file_is_the_directorys(
    read: Callable[..., Account], tmp_path: Path
) -> None:
    account = read({}, passwd=tmp_path / "none")
    assert account.origin in (Origin.DIRECTORY, Origin.UNKNOWN)
    assert account.name


def test_sudo_is_kept_as_a_claim(read: Callable[..., Account]) -> None:
    assert read({"SUDO_USER": "pat"}).sudo_from == "pat"
    assert read({"SUDO_USER": "pat\n\x1b[2J"}).sudo_from == ""
    assert read({"SUDO_USER": "root"}).groups == read({}).groups


def test_the_uid_that_logged_in(read: Callable[..., Account], tmp_path: Path) -> None:
    path = tmp_path / "login_uid"
    assert read({}).login_uid is None
    path.write_text("4294967295")
    assert read({}).login_uid is None
    path.write_text("1000")
    assert read({}).login_uid == 1000


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_nobody_makes_an_account_of_their_own_entry(
    read: Callable[..., Account], tmp_path: Path, end: str
) -> None:
    """People may change a field of theirs (chfn(1)); a line ends where the system says it does."""
    forged = f"eve:x:1:9:Eve{end}root:x:{os.getuid()}:0::/home/eve:/bin/sh\n".encode()
    path = tmp_path / "forged"
    path.write_bytes(forged + (tmp_path / "passwd").read_bytes())
    assert read({}, passwd=path).name == "pat"
