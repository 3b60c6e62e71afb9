"""Start the worker's process. Apart from its handle (``process``), so that a start can do this
before it imports anything else: the worker then imports on another core meanwhile."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import NamedTuple

from localai.sandbox import kernel
from localai.worker.descriptors import ERRORS, HANDOFF, REPLIES, REQUESTS

# Not -m: what looks a module up for that takes as long as a third of the interpreter's own start.
_COMMAND = "from localai.worker.__main__ import main; main()"
_HIGH = 100  # descriptors are moved up here first, so that none is in another's place
PLAIN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}


class Spawned(NamedTuple):
    """A process that waits to be told how to confine itself, and the launcher's ends of its
    pipes."""

    pid: int
    requests: int
    replies: int
    errors: int
    handoff: int

    @property
    def descriptors(self) -> tuple[int, ...]:
        return self[1:]


def spawn(environment: Mapping[str, str]) -> Spawned:
    """Start ``localai.worker.__main__``. ``environment`` is added to a plain one; nothing of the
    launcher's own is passed on, and no descriptor but what was left inheritable on purpose.

    Raises OSError.
    """
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    their_requests, requests = os.pipe()
    replies, their_replies = os.pipe()
    errors, their_errors = os.pipe()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    handed = {ERRORS: their_errors, REQUESTS: their_requests, REPLIES: their_replies,
              HANDOFF: theirs.detach()}  # fmt: skip
    pid = _spawn(handed, {**PLAIN_ENVIRONMENT, **environment})
    return Spawned(pid, requests, replies, errors, ours.detach())


def _spawn(descriptors: Mapping[int, int], environment: Mapping[str, str]) -> int:
    """Start the process with ``descriptors`` in their places. Closes the launcher's copies."""
    high = {at: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for at, fd in descriptors.items()}
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, nothing, 1)]
    actions += [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in high.items()]
    # -I: neither the user's environment nor the current directory decides what is imported.
    command = [sys.executable, "-I", "-B", "-c", _COMMAND]
    mask = (signal.SIGINT,)  # a terminal's Ctrl-C is for the launcher to answer, from here on
    try:
        return os.posix_spawn(
            sys.executable, command, environment, file_actions=actions, setsigmask=mask
        )
    finally:
        for descriptor in (nothing, *descriptors.values(), *high.values()):
            os.close(descriptor)
