"""Decoys: sockets that are left open on purpose, for a worker to inherit and to be rid of.

They must be there before a worker is started, which is long before anything else is known: so
they are nothing yet but two sockets at fixed numbers. ``instruments`` makes them lead somewhere.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time

# Below the limit on open files, above everything else's.
OUTWARD = 61  # will be connected to a receiver of ours
FILLED = 60  # a local socket: a descriptor will lie in it, waiting to be taken
_FILLING = 59  # its other end, which no worker inherits
_LOOKS = 250
_HIGH = 100  # they are moved up here first, so that none is in another's place


def leave_decoys() -> None:
    """Open them, inheritable. A second call replaces them. Raises OSError."""
    outward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    filled, filling = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    made = {OUTWARD: outward, FILLED: filled, _FILLING: filling}
    high = {at: fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _HIGH) for at, one in made.items()}
    for one in made.values():
        one.close()
    for at, descriptor in high.items():
        os.dup2(descriptor, at, inheritable=at != _FILLING)
        os.close(descriptor)


def are_inherited(pid: int) -> bool:
    """Whether the process ``pid`` has them open: else nobody could see that it gives them up.

    A program that has only just begun cannot be looked into for a moment: execve(2) lets its
    parent go on before it makes the new memory dumpable.
    """
    ours = [os.fstat(decoy).st_ino for decoy in (OUTWARD, FILLED)]
    for left in reversed(range(_LOOKS)):
        try:
            return ours == [os.stat(f"/proc/{pid}/fd/{at}").st_ino for at in (OUTWARD, FILLED)]  # noqa: PTH116
        except PermissionError:
            if left:
                time.sleep(0.002)
        except OSError:
            break
    return False


def aim_decoys(address: tuple[str, int], descriptor: int) -> None:
    """Connect the one to ``address`` and lay ``descriptor`` into the other (SCM_RIGHTS)."""
    with socket.socket(fileno=os.dup(OUTWARD)) as outward:
        outward.connect(address)
    with socket.socket(fileno=_FILLING) as filling:
        socket.send_fds(filling, [b"."], [descriptor])


def close_decoys() -> None:
    for decoy in (OUTWARD, FILLED):
        os.close(decoy)
