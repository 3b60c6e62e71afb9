"""Ways out of Linux inside Windows (WSL): Windows runs beside it, and no layer reaches there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from localai.egress.probes.probe import WRITERS, Probe, Target
from localai.egress.probes.spools import find_standin, leave, tell

SOCKET = "/run/WSL/1_interop"
PROGRAM = "/mnt/c/Windows/System32/cmd.exe"
DRIVE = "/mnt/c/Users/Public"
DEVICE = "/dev/dxg"


def execute(target: Target, nonce: bytes) -> None:
    """Become a Windows program, as binfmt_misc and the interop service start it."""
    os.execve(find_standin(target), ["cmd.exe", "/c", nonce.decode()], {})  # noqa: S606 - no shell is the point


def ask(target: Target, nonce: bytes) -> None:
    """Ask the interop service for a Windows process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as out:
        out.setblocking(False)
        out.connect(find_standin(target))
        out.send(b"cmd.exe\0/c\0" + nonce)


def _probe(
    name: str,
    way: str,
    attempt: Callable[[Target, bytes], None],
    twin: str,
    passes: frozenset[str] = frozenset(),
) -> Probe:
    return Probe(name, way, name, attempt, twin=twin, passes=passes, alone=attempt is execute)


PROBES = (
    _probe("wsl-execute", "a Windows program", execute, "execute"),
    _probe("wsl-interop", "a Windows process asked of the interop service", ask, "unix-stream"),
    _probe("wsl-drive", "a file on a drive of Windows", leave(b"%s\n"), "write-new", WRITERS),
    _probe("wsl-gpu", "a command to the GPU of Windows", tell(b"%s"), "write-fifo", WRITERS),
)
