"""Resource limits and descriptors of the worker (getrlimit(2), close_range(2))."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Collection

LIMITS = {
    "core file size": (resource.RLIMIT_CORE, 0),
    "file size": (resource.RLIMIT_FSIZE, 0),
    "open files": (resource.RLIMIT_NOFILE, 64),
    "msgqueue size": (resource.RLIMIT_MSGQUEUE, 0),
}


def limit_resources() -> None:
    """Set every limit of ``LIMITS``, soft and hard. Raises ValueError or OSError on failure."""
    for number, value in LIMITS.values():
        resource.setrlimit(number, (value, value))


def parse_limits(content: bytes) -> dict[str, str]:
    """The hard limits in a process's file ``/proc/PID/limits``, by their names in lower case."""
    rows = content.decode("latin-1").splitlines()[1:]
    return {row[:25].removeprefix("Max ").strip().lower(): row[47:68].strip() for row in rows}


def close_all_but(keep: Collection[int]) -> None:
    """Close every descriptor of this process except ``keep``."""
    start = 0
    for descriptor in sorted(keep):
        if start < descriptor:  # closerange(0, 0) closes everything in CPython 3.11
            os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, 1 << 20)


def describe_descriptors(pid: int | str = "self") -> dict[int, str]:
    """What each open descriptor of a process is: ``socket``, ``fifo``, ``char``, ``file``...

    Needs the right to look into ``/proc/PID/fd`` (ptrace(2), PTRACE_MODE_READ).
    """
    kinds = {
        stat.S_IFSOCK: "socket",
        stat.S_IFIFO: "pipe",
        stat.S_IFCHR: "device",
        stat.S_IFREG: "file",
        stat.S_IFDIR: "directory",
    }
    found: dict[int, str] = {}
    for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
        try:
            mode = os.stat(f"/proc/{pid}/fd/{name}").st_mode  # noqa: PTH116
        except FileNotFoundError:
            continue  # the descriptor of this very listing
        found[int(name)] = kinds.get(stat.S_IFMT(mode), "other")
    return found
