"""Folders whose contents leave the machine: on a network file system, or kept in step by a client.

What lies there is copied elsewhere by somebody else than localai, and no sandbox can stop that.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Types as /proc/self/mountinfo names them; FUSE's by what stands behind it
_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "drvfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)
_LOCAL_FUSE = frozenset({"fuseblk", "fuse.lxcfs", "fuse.portal", "fuse.gocryptfs", "fuse.ntfs-3g"})
_ESCAPE = re.compile(r"\\([0-7]{3})")

# What clients leave at the top of a folder that they keep in step
_MARKS = (".stfolder", ".dropbox.cache", ".owncloudsync.log", ".nextcloudsync.log", ".seafile-data")
_JOURNALS = (".sync_*.db", "._sync_*.db")  # Nextcloud's and ownCloud's
# Names that clients give the folder themselves, in a home directory
_NAMES = (
    "Dropbox",
    "OneDrive",
    "Nextcloud",
    "ownCloud",
    "MEGA",
    "Insync",
    "pCloudDrive",
    "Seafile",
)


class Shared(NamedTuple):
    """A folder that leaves the machine: what it is for, where it lies, and by what."""

    use: str
    path: Path
    by: str

    def __str__(self) -> str:
        return f"{self.use} {self.path}: {self.by}"


class Mount(NamedTuple):
    """One line of mountinfo: where, which type, from where."""

    point: Path
    kind: str
    source: str


def read_mounts(proc: Path) -> tuple[Mount, ...]:
    """Every mount that this process sees, in the order in which they were made. Raises OSError.

    The kernel escapes spaces and line feeds in names, and nothing else that Python splits at.
    """
    text = (proc / "self/mountinfo").read_bytes().decode("utf-8", "surrogateescape")
    return tuple(_mount(line) for line in text.split("\n") if line)


def _mount(line: str) -> Mount:
    """Field 5, where; and after the dash which type, and from where (proc_pid_mountinfo(5))."""
    before, _, after = line.partition(" - ")
    kind, source = after.split(" ")[:2]
    return Mount(Path(_plain(before.split(" ")[4])), kind, _plain(source))


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)


def real(path: Path) -> Path:
    """Where ``path`` leads; links in a circle, for which ``Path.resolve`` raises, lead nowhere."""
    return Path(os.path.realpath(path))


def find_mount(place: Path, mounts: tuple[Mount, ...]) -> Mount | None:
    """Where ``place`` lies: the longest mount point above it; of equals the one mounted last, which
    covers the others."""
    over = [mount for mount in mounts if place.is_relative_to(mount.point)]
    return max(reversed(over), key=lambda one: len(one.point.parts), default=None)


def find_shared(use: str, path: Path, mounts: tuple[Mount, ...], home: Path) -> Iterator[Shared]:
    """Every way in which the folder ``path`` leaves the machine. It need not exist yet."""
    place = real(path)
    mount = find_mount(place, mounts)
    if mount and is_network(mount.kind):
        yield Shared(use, path, f"{mount.kind} from {mount.source}")
    roots = _client_folders(home)
    for folder in (place, *place.parents):
        if client := roots.get(folder) or _mark(folder):
            yield Shared(use, path, f"kept in step by {client}")
            return


def is_network(kind: str) -> bool:
    """Whether a file system of this type lies, or may lie, on another machine."""
    return kind in _NETWORK or (kind.startswith("fuse") and kind not in _LOCAL_FUSE)


def _client_folders(home: Path) -> dict[Path, str]:
    """Folders that clients say are theirs, and those that have the names they give."""
    found = {real(home / name): name for name in _NAMES}
    for entry in home.glob("OneDrive*"):  # OneDrive - AGENCY
        found[real(entry)] = "OneDrive"
    try:  # help.dropbox.com: the folder's path, by account
        said = json.loads((home / ".dropbox/info.json").read_bytes())
        found |= {real(Path(str(one["path"]))): "Dropbox" for one in said.values()}
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        pass  # no Dropbox here, or nothing that it wrote: its name stands above
    return found


def _mark(folder: Path) -> str:
    try:
        for mark in _MARKS:
            if (folder / mark).exists():
                return f"a client that left {mark}"
        for pattern in _JOURNALS:
            for journal in folder.glob(pattern):
                return f"a client that left {journal.name}"
    except OSError:  # not ours to look into: a client of this account has left nothing there
        return ""
    return ""
