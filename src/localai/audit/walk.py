"""Find every regular file below some folders; what could not be looked into is said, never skipped.

No link to a folder is followed, so a loop of links ends nothing and hides nothing: a link that
leads out of the folders is told, and one that leads to a file there brings that file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

KERNEL = frozenset(
    {
        *("proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "debugfs", "tracefs"),
        *("securityfs", "bpf", "configfs", "fusectl", "mqueue", "pstore", "efivarfs", "nsfs"),
        *("binfmt_misc", "rpc_pipefs", "selinuxfs", "autofs", "hugetlbfs"),
    }
)
"""File systems that hold no files of anybody's, as /proc/self/mountinfo names them."""


class Seen(NamedTuple):
    """A regular file that is not empty, and its status when it was seen."""

    path: Path
    status: os.stat_result


class Unseen(NamedTuple):
    """A place that was not looked into, why, and what to do about it."""

    path: Path
    why: str
    remedy: str


def walk(folders: Sequence[Path], skip: Collection[Path] = ()) -> Iterator[Seen | Unseen]:
    """Everything below ``folders``, each file once by its path, each folder once by its inode.

    ``skip`` are mount points of the kernel's own file systems. A folder that is gone by the time
    it is opened has nothing in it.
    """
    tops = [Path(os.path.realpath(folder)) for folder in folders]
    waiting, known, met = [*reversed(tops)], set[tuple[int, int]](), set[Path]()
    while waiting:
        folder = waiting.pop()
        if folder in skip:
            continue
        try:
            with os.scandir(folder) as listing:
                status = folder.stat()
                if (status.st_dev, status.st_ino) in known:
                    continue
                known.add((status.st_dev, status.st_ino))
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        except FileNotFoundError:
            continue
        except OSError as error:
            yield _unseen(folder, error)
            continue
        below = []
        for entry in entries:
            found = _look(entry, tops)
            if isinstance(found, Path):
                below.append(found)
            elif found and found.path not in met:
                met.add(found.path)
                yield found
        waiting += reversed(below)


def _look(entry: os.DirEntry[str], tops: Sequence[Path]) -> Seen | Unseen | Path | None:
    """A folder to look into, a file, or what keeps both from being looked at."""
    path = Path(entry.path)
    try:
        if entry.is_symlink():
            return _follow(path, tops)
        if entry.is_dir():
            return path
        return _take(path, entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None
    except OSError as error:
        return _unseen(path, error)


def _follow(path: Path, tops: Sequence[Path]) -> Seen | Unseen | None:
    """What lies inside the folders is met by itself; links that end nowhere hold nothing."""
    target = Path(os.path.realpath(path))
    if any(target.is_relative_to(top) for top in tops):
        return None
    try:
        status = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # ELOOP: links in a circle
        return None if target.is_symlink() else _unseen(path, error)
    if stat.S_ISDIR(status.st_mode):
        return Unseen(
            path,
            f"a link to the folder {target}",
            f"localai manifest audit --root {quote(str(target))}",
        )
    return _take(target, status)


def _take(path: Path, status: os.stat_result) -> Seen | None:
    """Pipes, sockets and devices hold no model, and are never opened."""
    return Seen(path, status) if stat.S_ISREG(status.st_mode) and status.st_size else None


def _unseen(path: Path, error: OSError) -> Unseen:
    return Unseen(path, error.strerror or "cannot be read", "look again as who may read it")
