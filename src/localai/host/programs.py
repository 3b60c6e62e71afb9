"""Sync clients and other local AI tools that run, and what the kernel shows of them.

Nobody is asked anything, and only processes with a known name are looked at. Of their environment
only the switches that :mod:`localai.host.tools` knows are kept.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from localai.host.names import AI_TOOLS, SYNC_CLIENTS, read_name
from localai.host.sockets import Socket, read_sockets

_KNOWN = SYNC_CLIENTS | AI_TOOLS
_SOCKET = re.compile(r"socket:\[(\d+)\]")


class Program(NamedTuple):
    """A process with a known name. ``sockets`` and ``environ`` are None where this account may
    not look: the process is another account's."""

    name: str
    pid: int
    sockets: tuple[Socket, ...] | None
    environ: Mapping[str, str] | None


def read_programs(proc: Path, switches: Iterable[str]) -> tuple[Program, ...]:
    """Every process with a known name. Of its environment only ``switches`` are kept.

    Raises OSError if the processes cannot be listed.
    """
    wanted = frozenset(switches)
    found = []
    with os.scandir(proc) as entries:
        for entry in entries:
            if entry.name.isdigit() and (name := read_name(f"{entry.path}/comm")) in _KNOWN:
                process = Path(entry.path)
                sockets, environ = _sockets(process), _environ(process, wanted)
                found.append(Program(name, int(entry.name), sockets, environ))
    return tuple(sorted(found))


def _sockets(process: Path) -> tuple[Socket, ...] | None:
    """The sockets that a process holds, in the network that it sees (it may be a container's)."""
    inodes = set()
    try:
        for entry in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                if found := _SOCKET.fullmatch(str(entry.readlink())):
                    inodes.add(int(found[1]))
        return tuple(one for one in read_sockets(process / "net") if one.inode in inodes)
    except OSError:
        return None


def _environ(process: Path, wanted: frozenset[str]) -> dict[str, str] | None:
    try:
        content = (process / "environ").read_bytes()
    except OSError:
        return None
    pairs = (line.decode("utf-8", "replace").partition("=") for line in content.split(b"\0"))
    return {name: value for name, _, value in pairs if name in wanted}
