"""The C library and the system calls that Python has no name for.

Every wrapper raises OSError with the errno of the call that failed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

from localai.sandbox.syscalls import numbers, this_machine

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

NUMBER = numbers(this_machine())

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
PR_SET_PTRACER = 0x59616D61

_CAP_SETPCAP = 8


def is_microsofts(release: str) -> bool:
    """Whether this is Linux inside Windows (WSL): ``release`` is the kernel's (uname(2)), and
    Microsoft's carry its name under both versions."""
    return "microsoft" in release.casefold()


def check(result: int, call: str) -> int:
    """Return ``result``, or raise OSError if the C library reported a failure (-1)."""
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), call)
    return result


def syscall(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make the system call ``name``; integers go as 64-bit words, buffers as addresses."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return check(int(libc.syscall(ctypes.c_long(NUMBER[name]), *words)), name)


def prctl(option: int, *arguments: int) -> int:
    """prctl(2) with every unused argument zero, as newer options require."""
    words = [*arguments, 0, 0, 0, 0][:4]
    return check(int(libc.prctl(option, *(ctypes.c_ulong(w) for w in words))), "prctl")


def may_drop_capabilities() -> bool:
    """Whether this process may empty its bounding set (CAP_SETPCAP in capabilities(7))."""
    return bool(int(read_status()["CapEff"], 16) & 1 << _CAP_SETPCAP)


def hide() -> None:
    """Make this process non-dumpable: no other process of this user may open its
    ``/proc/PID/{mem,fd,...}`` or trace it (PR_SET_DUMPABLE in prctl(2), ptrace(2))."""
    prctl(PR_SET_DUMPABLE, 0)


def show_as(name: str) -> None:
    """Have this process listed as ``name``, 15 characters at the most (PR_SET_NAME in prctl(2)):
    whoever watches a host shall see what a process is that looks like an attack."""
    buffer = ctypes.create_string_buffer(name.encode())
    prctl(PR_SET_NAME, ctypes.addressof(buffer))


def fork(work: Callable[[], object], name: str = "") -> int:
    """Do ``work`` in a child process, listed as ``name`` if one is given, and return its id. The
    child never comes back from here: it exits 0, or 1 after printing the traceback of whatever was
    raised, but of no interrupt: a terminal sends it to this process as well, which tells of it."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        if name:
            show_as(name)
        work()
        status = 0
    finally:
        _, error, trace = sys.exc_info()
        if error is not None and not isinstance(error, SystemExit | KeyboardInterrupt):
            sys.__excepthook__(type(error), error, trace)
        os._exit(status)


def read_status(pid: int | str = "self") -> dict[str, str]:
    """The fields of ``/proc/PID/status`` (proc_pid_status(5)) as text, by name.

    Raises FileNotFoundError or ProcessLookupError if there is no such process.
    """
    with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
        return parse_status(file.read())


def parse_status(content: bytes) -> dict[str, str]:
    """The fields of the file ``status``, by name.

    The first is what the process calls itself: whatever else ends a line of text is part of that.
    """
    pairs = (line.partition(":") for line in content.decode("latin-1").split("\n"))
    return {name: value.strip() for name, _, value in pairs}
