"""The machine: memory that is really free, cores, and limits on what a process may hold."""

from __future__ import annotations

import os
import resource
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


class FreeMemory(NamedTuple):
    """Bytes that can still be had, and the name of the limit that says so."""

    bytes: int
    limited_by: str


def find_free_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> FreeMemory:
    """The least of MemAvailable (proc_meminfo(5)) and of what every cgroup above leaves.

    Pages of a sealed memory file count against both (cgroups(7), version 1 and 2). A limit that
    cannot be read does not bind: the kernel's own answer stays.
    """
    found = [FreeMemory(_available(proc), "MemAvailable")]
    for line in filter(None, os.fsdecode((proc / "self/cgroup").read_bytes()).split("\n")):
        number, controllers, path = line.split(":", 2)
        if number == "0":
            found += _leeway(cgroups, path, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            found += _leeway(cgroups / "memory", path, *names)
    return min(found, key=lambda one: one.bytes)


def _available(proc: Path) -> int:
    for line in (proc / "meminfo").read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _leeway(root: Path, path: str, limit: str, used: str) -> list[FreeMemory]:
    """What each cgroup from ``path`` up to the root leaves; its page cache counts as free."""
    found = []
    own = PurePosixPath(path.lstrip("/"))
    for group in (own, *own.parents):
        try:
            most = (root / group / limit).read_text("ascii").strip()
            taken = int((root / group / used).read_text("ascii"))
            cached = _cached(root / group / "memory.stat")
        except (OSError, ValueError):
            continue
        if most != "max":
            left = max(0, int(most) - taken + cached)
            found.append(FreeMemory(left, f"cgroup {PurePosixPath('/') / group}"))
    return found


def _cached(stat: Path) -> int:
    """Bytes of file pages that the kernel can drop: those not in use lately."""
    for line in stat.read_text("ascii").splitlines():
        if line.startswith(("inactive_file ", "total_inactive_file ")):
            return int(line.split()[1])
    return 0


def file_size_limit() -> int | None:
    """RLIMIT_FSIZE in bytes, None if there is none: it stops a copy into memory (getrlimit(2))."""
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if soft == resource.RLIM_INFINITY else soft


def count_cores(topology: Path = Path("/sys/devices/system/cpu")) -> int:
    """Physical cores that this process may use: what inference is fastest with. Where the kernel
    does not say which processors are siblings, each counts."""
    cores = set()
    for processor in os.sched_getaffinity(0):
        siblings = topology / f"cpu{processor}/topology/thread_siblings_list"
        try:
            cores.add(siblings.read_text("ascii"))
        except OSError:
            cores.add(str(processor))
    return len(cores)


def show_bytes(count: int) -> str:
    """``count`` bytes in the largest binary unit (IEC 80000-13) that it fills."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count} B"
