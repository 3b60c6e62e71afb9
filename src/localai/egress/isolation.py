"""The laboratory's own namespaces: as many as this host grants, found out by trying."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from localai.sandbox import kernel, namespaces

METADATA, METADATA6 = "169.254.169.254", "fd00:ec2::254"
LINK_LOCAL_GROUPS = "ff02::"  # RFC 4291, section 2.7

KINDS = ("mnt", "net", "ipc", "uts", "cgroup", "pid")


def isolate(directory: Path, withheld: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Move this process into new namespaces and return the kinds that it, or a child, can have.

    Some hosts grant ``unshare`` and then deny what it was for, so a throwaway child tries each
    first. A user namespace is made only where it is needed, and is part of the answer then.
    ``pid`` is only found out: it takes a fork. ``directory`` is covered by a file system in
    memory where mounts can be had. ``withheld`` kinds are treated as refused.
    """
    uid, gid = os.getuid(), os.getgid()
    granted = tuple(k for k in _try(directory, uid, gid) if k not in withheld)
    if not granted or granted == ("user",):
        return ()
    if "user" in granted:
        namespaces.become_own_root(uid, gid)
    namespaces.unshare([kind for kind in granted if kind not in ("user", "pid")])
    if "mnt" in granted:
        _cover(directory)
    if "net" in granted:
        _furnish(gid)
    return granted


def _cover(directory: Path) -> None:
    namespaces.keep_mounts_private()
    namespaces.mount_scratch(str(directory))


def _furnish(gid: int) -> None:
    """A loopback that carries multicast and the metadata addresses, and echo requests allowed."""
    namespaces.raise_loopback()
    namespaces.add_loopback_address(METADATA)
    with contextlib.suppress(OSError):  # without IPv6 there is no such way out either
        namespaces.route_to_loopback(METADATA6, 128)
        namespaces.route_to_loopback(LINK_LOCAL_GROUPS, 16)
    with contextlib.suppress(OSError):  # where it stays forbidden that way out is closed
        Path("/proc/sys/net/ipv4/ping_group_range").write_text(f"{gid} {gid}", encoding="ascii")


def _try(directory: Path, uid: int, gid: int) -> tuple[str, ...]:
    """Which kinds a child of ours was given and could use."""
    reader, writer = os.pipe()
    child = kernel.fork(lambda: os.write(writer, " ".join(_trial(directory, uid, gid)).encode()))
    os.close(writer)
    with os.fdopen(reader, encoding="ascii") as answers:
        granted = tuple(answers.read().split())
    os.waitpid(child, 0)
    return granted


def _trial(directory: Path, uid: int, gid: int) -> list[str]:
    granted: list[str] = []

    def had(step: Callable[[], object]) -> bool:
        try:
            step()
        except OSError:
            return False
        return True

    if not had(lambda: namespaces.unshare(["uts"])):
        if not had(lambda: namespaces.become_own_root(uid, gid)):
            return granted
        granted.append("user")
    uses: dict[str, Callable[[], object]] = {
        "mnt": lambda: _cover(directory),
        "net": namespaces.raise_loopback,
    }
    for kind in KINDS:
        use = uses.get(kind, lambda: None)
        if had(lambda kind=kind: namespaces.unshare([kind])) and had(use):  # type: ignore[misc]
            granted.append(kind)
    return granted
