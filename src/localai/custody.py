"""In whose hands is a file? One that only root or its owner, an account of the system, can change
is loaded from where it lies; every other one is copied into sealed memory first.

The descriptor that is hashed is the one that is loaded, so no name counts any more: only who may
write to the inode. That is asked of the kernel's own rules, and answered in favour of a copy
wherever there is a doubt. Trusted are root, the owner, and the disk. What a file's owner let
somebody open for writing earlier cannot be seen from here: whoever lets a file into such a store
asks :func:`is_being_written`.

Source: inode(7), path_resolution(7), capabilities(7), user_namespaces(7), acl(5): the group's bits
of a mode are the mask of its access control list, so nobody named there has more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from localai.sandbox import kernel

SYSTEM_UIDS = range(1000)
"""Accounts of the system, not of people (systemd's "Users, Groups, UIDs and GIDs")."""

_NOBODY = 65534  # whom a namespace shows in the place of an owner that it does not know
_WHOLE_HOST = ["0", "0", "4294967295"]  # the map of the first user namespace: everybody is himself
_CAPABILITIES = ("CapPrm", "CapEff", "CapAmb")
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# File systems of this machine whose rights are those of inode(7): no other one was tried.
_KINDS = frozenset({"ext4", "tmpfs", "xfs"})
# Disks of this machine, and what is put together of them. The content of others may be somebody's
# file or lie on another machine (loop, nbd, rbd, ublk), or it is a card that can be taken out.
_DISKS = ("dm-", "md", "nvme", "sd", "vd", "xvd")
# In the place of a disk's device in /sys, where a network is between: iSCSI, Fibre Channel.
_FAR = ("/session", "/rport-")
_FIXED = frozenset({"0\n", "fixed\n"})  # what `removable` says: of a disk, of a bus's device


def find_reach(fd: int, root: Path = Path("/")) -> str:
    """Why somebody beside root and its owner might change an open file; "" if nobody can.

    ``root`` is where /proc, /sys and /dev are.
    """
    try:
        found = os.fstat(fd)
        return (
            _ask_account(found.st_uid, root / "proc")
            or _ask_file(found)
            or find_weakness(Path(f"/proc/self/fd/{fd}").readlink(), found.st_uid, root)
            or next(_ask_nodes(found.st_dev, root), "")
            or _ask_name(fd, found)
        )
    except (OSError, ValueError) as error:  # what cannot be seen is not proved
        return f"it cannot be told: {error}"


def find_weakness(path: Path, owner: int, root: Path = Path("/")) -> str:
    """Why a file at ``path``, without a link in it, would not be safe from everybody but root and
    ``owner``: the folders above it, or its file system; "" if it is. Raises OSError, ValueError."""
    for folder in reversed(path.parents):
        found = folder.lstat()
        if found.st_uid not in (0, owner):
            return f"{folder} belongs to uid {found.st_uid}"
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & _OTHERS:
            return f"others may write to {folder}: mode {found.st_mode & 0o777:04o}"
    place = next(one for one in (path, *path.parents) if os.path.lexists(one))
    device = place.lstat().st_dev
    return _ask_mounts(device, root / "proc") or next(_ask_disks(device, root / "sys"), "")


def is_being_written(fd: int) -> bool:
    """Whether anybody has a file of this account's open for writing, or mapped so: the kernel
    gives a lease for reading only where nobody has (F_SETLEASE in fcntl(2)).

    Raises OSError where that cannot be told.
    """
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return True
        raise
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _ask_account(owner: int, proc: Path) -> str:
    uids = set(os.getresuid())
    if owner in uids or 0 in uids:
        return "this account may write to it"
    if owner not in SYSTEM_UIDS:
        return f"it belongs to uid {owner}, which may be a person's"
    status = kernel.read_status()
    if _NOBODY in uids or any(int(status[name], 16) for name in _CAPABILITIES):
        return "this account can be more than it is"
    if (proc / "self/uid_map").read_text("ascii").split() != _WHOLE_HOST:
        return "in a user namespace nobody is who he seems"
    if kernel.is_microsofts((proc / "sys/kernel/osrelease").read_text("ascii")):
        return "Windows makes everybody root here"
    return ""


def _ask_file(found: os.stat_result) -> str:
    mode = found.st_mode
    return f"others may write to it: mode {mode & 0o777:04o}" if mode & _OTHERS else ""


def _ask_mounts(device: int, proc: Path) -> str:
    """About every mount of the file system that can be seen from here: one that maps owners
    (mount_setattr(2)) would make others of them.

    The kernel escapes spaces and line feeds in names, and no other character that Python takes
    for either: whoever may mount anything (FUSE) chooses the name that stands there.
    """
    number = f"{os.major(device)}:{os.minor(device)}"
    text = (proc / "self/mountinfo").read_bytes().decode("utf-8", "surrogateescape")
    lines = (line.split(" ") for line in text.removesuffix("\n").split("\n"))
    found = [fields for fields in lines if number in fields[2:3]]
    for fields in found:
        kind = fields[fields.index("-") + 1]
        if kind not in _KINDS:
            return f"its file system is {kind}"
        if "idmapped" in fields[5].split(","):
            return f"its owners are mapped at {fields[4]}"
    return "" if found else "its file system is mounted nowhere"


def _ask_disks(device: int, sys: Path) -> Iterator[str]:
    for place in _walk(device, sys):
        if not place.name.startswith(_DISKS):
            yield f"its disk is {place.name}"
        elif "/usb" in str(place) or not _is_fixed(place):
            yield f"its disk {place.name} can be taken away"
        elif any(part in str(place) for part in _FAR) or not _is_near(place):
            yield f"its disk {place.name} lies behind a network"


def _is_fixed(place: Path) -> bool:
    """Whether neither the disk nor what it is plugged into can be taken away (sysfs-block and
    sysfs-devices-removable in the kernel's Documentation/ABI)."""
    said = (one / "removable" for one in (place, *place.parents))
    return all(one.read_text("ascii") in _FIXED for one in said if one.is_file())


def _is_near(place: Path) -> bool:
    """Whether each controller of an NVMe disk is in this machine; True of other disks. With several
    ways to a disk its device is a subsystem, and they lie in that."""
    device = place / "device"
    said = (device / "transport", *device.glob("nvme*/transport"))
    return all(one.read_text("ascii") == "pcie\n" for one in said if one.is_file())


def _ask_nodes(device: int, root: Path) -> Iterator[str]:
    """Whoever may write to the disk itself, as the group ``disk`` may, can change any file."""
    for place in _walk(device, root / "sys"):
        if os.access(root / "dev" / place.name, os.W_OK):
            yield f"this account may write to the disk {place.name}"


def _walk(device: int, sys: Path) -> Iterator[Path]:
    """The block devices that a file system lies on, down to the disks, by their places in /sys.
    For one in memory there are none. Raises OSError for a device that /sys does not know."""
    if os.major(device) == 0:
        return
    waiting = [(sys / f"dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)]
    while waiting:
        place = waiting.pop()
        yield place
        below = place / "slaves"
        waiting += [one.resolve(strict=True) for one in below.iterdir()] if below.is_dir() else []
        if (place / "partition").exists():
            waiting.append(place.parent)


def _ask_name(fd: int, found: os.stat_result) -> str:
    """The folders that were looked at are those that the file lies in."""
    here = Path(f"/proc/self/fd/{fd}").readlink().lstat()
    return "" if os.path.samestat(found, here) else "it was moved"
