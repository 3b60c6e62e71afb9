"""What this host can enforce: each mechanism tried, in a child that is thrown away where it sticks.

For ``localai doctor``. A start does not rely on any of this: it measures the worker itself.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib.metadata
import mmap
import os
from collections.abc import Callable

from localai.findings import Finding, Verdict
from localai.sandbox import kernel, landlock, namespaces
from localai.sandbox.spec import LOWEST_LANDLOCK

_SECCOMP_GET_ACTION_AVAIL = 2  # seccomp(2)
_SECCOMP_RET_KILL_PROCESS = 0x80000000
_REQUIRED = "a model runs only behind every required layer"
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def find_abilities() -> tuple[Finding, ...]:
    """One finding for each mechanism that a start needs or would like to have."""
    return (_platform(), _seccomp(), _landlock(), _namespaces(), _sealed_memory(), _engine())


def _platform() -> Finding:
    system = os.uname()
    evidence = f"Linux {system.release}, {system.machine}"
    return Finding("platform", Verdict.PASS, "supported", evidence)  # else kernel has raised


def _seccomp() -> Finding:
    action = (ctypes.c_char * 4).from_buffer_copy(_SECCOMP_RET_KILL_PROCESS.to_bytes(4, "little"))
    try:
        kernel.syscall("seccomp", _SECCOMP_GET_ACTION_AVAIL, 0, action)
    except OSError as error:
        return _missing(
            "seccomp",
            f"seccomp(2): {error.strerror}",
            "use a kernel with CONFIG_SECCOMP_FILTER; in a container allow the call seccomp",
        )
    return Finding("seccomp", Verdict.PASS, "available", "filters that kill a process")


def _landlock() -> Finding:
    abi = landlock.best_abi()
    if abi < LOWEST_LANDLOCK:
        return _missing(
            "landlock",
            "the kernel has none, or it is switched off",
            "use Linux 5.13 or newer and put landlock into the kernel's lsm= list",
        )
    rights = landlock.Coverage(abi).describe()
    return Finding("landlock", Verdict.PASS, f"ABI {abi}", rights)


def _namespaces() -> Finding:
    """In a child: whoever has unshared cannot go back."""

    def leave() -> None:
        if os.geteuid() != 0:
            namespaces.become_own_root(os.getuid(), os.getgid())
        namespaces.unshare([name for name in namespaces.FLAGS if name != "user"])
        namespaces.keep_mounts_private()  # Ubuntu 24.04 grants the call before and denies this

    problem = _try_in_child(leave)
    if not problem:
        kinds = ", ".join(name for name in namespaces.FLAGS if name != "user")
        return Finding("namespaces", Verdict.PASS, "available", kinds)
    return Finding(
        "namespaces",
        Verdict.NOTE,
        "not available",
        f"{os.strerror(problem)}: the required layers suffice without them",
        remedy="if your rules allow: sysctl user.max_user_namespaces=15000, and on Ubuntu "
        "kernel.apparmor_restrict_unprivileged_userns=0",
    )


def _sealed_memory() -> Finding:
    try:
        fd = os.memfd_create("localai doctor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(fd, b"sealed")
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
            mmap.mmap(fd, 6, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ).close()
        finally:
            os.close(fd)
    except OSError as error:
        return _missing(
            "sealing",
            f"a sealed memfd cannot be mapped: {error.strerror}",
            "use Linux 6.12.9 or newer, or a kernel of 2025 with that fix",
        )
    return Finding("sealing", Verdict.PASS, "available", "write-sealed, mapped read-only")


def _engine() -> Finding:
    try:
        version = importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        return _missing(
            "engine",
            "llama-cpp-python is not installed",
            "in its checkout: pip install '.[engine]'",
        )
    return Finding("engine", Verdict.PASS, "installed", f"llama-cpp-python {version}")


def _missing(check: str, evidence: str, remedy: str) -> Finding:
    return Finding(check, Verdict.FAIL, "not available", evidence, why=_REQUIRED, remedy=remedy)


def _try_in_child(attempt: Callable[[], None]) -> int:
    """Do ``attempt`` in a child process; the errno that it met, 0 if none."""
    child = os.fork()
    if child == 0:
        code = errno.EINVAL
        try:
            attempt()
            code = 0
        except OSError as error:
            code = error.errno or errno.EINVAL
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
