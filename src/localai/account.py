"""Who starts this: the operating system's account, not what an environment variable claims."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

PASSWD = Path("/etc/passwd")  # passwd(5)
GROUP = Path("/etc/group")  # group(5)
LOGIN_UID = Path("/proc/self/loginuid")  # set by the kernel at login, kept through sudo and su
_NO_LOGIN = 2**32 - 1


class Origin(StrEnum):
    """Where the account is defined."""

    LOCAL = "local"
    DIRECTORY = "directory"
    UNKNOWN = "unknown"


class Account(NamedTuple):
    """The account of this process.

    ``groups`` are the groups that the kernel counts this process to. ``sudo_from`` is whom sudo
    says it works for ("" without sudo), ``login_uid`` the uid that logged in, where the kernel
    keeps it. ``terminal`` says whether a person sits at a terminal.
    """

    uid: int
    name: str
    groups: tuple[str, ...]
    origin: Origin
    sudo_from: str
    login_uid: int | None
    terminal: bool


def read_account(
    environ: Mapping[str, str],
    *,
    terminal: bool,
    passwd: Path = PASSWD,
    group: Path = GROUP,
    login_uid: Path = LOGIN_UID,
) -> Account:
    """Look up the account of this process, in the local files first.

    Only an account or group that is not there is asked of the system's directory service, which
    is the one look-up that may leave this process (nsswitch.conf(5) decides how).
    """
    uid = os.getuid()
    local = _names(passwd).get(uid, "")
    name, origin = (local, Origin.LOCAL) if local else _from_directory(uid)
    return Account(
        uid=uid,
        name=name,
        groups=_group_names(group),
        origin=origin,
        sudo_from=_sudo_from(environ),
        login_uid=_read_login_uid(login_uid),
        terminal=terminal,
    )


def _names(path: Path) -> dict[int, str]:
    """Names by number from a file of the form ``name:x:number:...``; the first one counts."""
    found: dict[int, str] = {}
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return found
    for line in text.split("\n"):  # and at nothing else, which people can have in their own entry
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isascii() and fields[2].isdigit():
            found.setdefault(int(fields[2]), fields[0])
    return found


def _from_directory(uid: int) -> tuple[str, Origin]:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name, Origin.DIRECTORY
    except KeyError:
        return f"uid {uid}", Origin.UNKNOWN


def _group_names(path: Path) -> tuple[str, ...]:
    import grp

    local = _names(path)
    names = []
    for gid in sorted({os.getgid(), *os.getgroups()}):
        try:
            names.append(local.get(gid) or grp.getgrgid(gid).gr_name)
        except KeyError:
            names.append(f"gid {gid}")
    return tuple(names)


def _sudo_from(environ: Mapping[str, str]) -> str:
    """sudo(8) sets SUDO_USER, but so can a user: it is kept as a claim and grants nothing."""
    name = environ.get("SUDO_USER", "")
    return name if re.fullmatch(r"[\w.@\\-]{1,256}\$?", name) else ""


def _read_login_uid(path: Path) -> int | None:
    try:
        value = int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return None if value == _NO_LOGIN else value
