"""The endpoint baseline: what on this machine lets data out of memory, or onto a disk unprotected.

Each answer is ``None`` where it cannot be told. Nothing is changed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_DEPTH = 8  # of devices on devices


def open_to_others(paths: Iterable[Path]) -> Iterator[str]:
    """Files and folders, and folders above them, that any account may write (the sticky bit keeps
    others' entries safe)."""
    seen = set()
    for path in paths:
        for place in (path, *path.parents):
            if place in seen:
                continue
            seen.add(place)
            try:
                mode = place.stat().st_mode
            except OSError:
                continue
            if mode & stat.S_IWOTH and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
                yield f"{place} (mode {stat.S_IMODE(mode):04o})"


def find_core_dumps(proc: Path) -> str:
    """Where a core dump of a program of this account would go (core(5)), "" if nowhere. A limit of
    zero stops files, not a program that takes them. Raises OSError."""
    pattern = (proc / "sys/kernel/core_pattern").read_text("utf-8", "replace").strip()
    if pattern.startswith("|"):
        return f"taken by {pattern[1:].partition(' ')[0]}"
    limits = (proc / "self/limits").read_text("ascii", "replace").splitlines()
    limit = next(line.split()[4] for line in limits if line.startswith("Max core file size"))
    return f"written to {pattern}, at most {limit} bytes" if pattern and limit != "0" else ""


def trace_scope(proc: Path) -> int | None:
    """Yama's restriction of tracing (0: none), None if this kernel has no Yama."""
    try:
        return int((proc / "sys/kernel/yama/ptrace_scope").read_text("ascii"))
    except FileNotFoundError:
        return None


def unprotected_swap(proc: Path, sys: Path) -> tuple[str, ...]:
    """Swap areas that are neither in memory (zram) nor on an encrypted device. Raises OSError."""
    lines = (proc / "swaps").read_text("utf-8", "replace").splitlines()[1:]
    areas = [Path(line.split()[0]) for line in lines if line.strip()]
    return tuple(str(area) for area in areas if not _is_swap_protected(area, sys))


def _is_swap_protected(area: Path, sys: Path) -> bool:
    if area.name.startswith("zram"):
        return True
    try:
        found = area.stat()
    except OSError:
        return False
    device = found.st_rdev if stat.S_ISBLK(found.st_mode) else found.st_dev
    return is_encrypted(device, sys) is True


def is_encrypted(device: int, sys: Path) -> bool | None:
    """Whether a block device lies on dm-crypt, wholly. None if the kernel shows no such device, as
    for file systems in memory, over others, or of many devices."""
    node = sys / "dev/block" / f"{os.major(device)}:{os.minor(device)}"
    return _all_crypt(node, _DEPTH) if node.exists() else None


def _all_crypt(node: Path, depth: int) -> bool | None:
    """A device-mapper node says what it is in ``dm/uuid`` (``CRYPT-LUKS2-...``); else what it lies
    on decides, and for a partition the disk cannot."""
    try:
        if (node / "dm/uuid").read_text("ascii", "replace").startswith("CRYPT-"):
            return True
    except OSError:
        pass  # no device-mapper node
    try:
        below = sorted((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
    except OSError:
        return None
    if not below or depth == 0:
        return False
    answers = [_all_crypt(one, depth - 1) for one in below]
    return None if None in answers else all(answers)
