"""Kill a process at its n-th change of the file system, to see what that leaves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

# Whatever changes the file system, as CPython announces it before it happens (sys.audit).
STEPS = frozenset(
    {"os.mkdir", "os.link", "os.rename", "os.chmod", "os.remove", "os.rmdir", "open", "fcntl.flock",
     "os.truncate"}
)  # fmt: skip


def killed_at(number: int, act: Callable[[], object]) -> bool:
    """Whether a process that does this has so many steps, at the last of which it is killed."""
    child = os.fork()
    if child == 0:
        left = number

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            left -= event in STEPS
            if left < 0 and event in STEPS:  # the signal is announced here, too
                os.kill(os.getpid(), signal.SIGKILL)

        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.addaudithook(count)
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0
