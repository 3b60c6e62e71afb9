"""Confine this process, in the order that the kernel needs.

1. ``leave``     namespaces: the laboratory's, then new and empty ones; a new process in them
2. ``first``     no-new-privs, Landlock (shown to hold by decoys), the first filter
   ...           libraries are imported
3. ``second``    an empty root, limits, another account, no capabilities, Landlock on everything,
                 descriptors closed; the launcher looks at the result from outside
4. ``seal``      the second filter: only what inference calls
5. ``lock``      after the probes, the third filter: an attempt to leave is deadly
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
from collections.abc import Callable, Collection

from localai.sandbox import kernel, landlock, namespaces
from localai.sandbox.filters import first_filter, second_filter, third_filter
from localai.sandbox.limits import close_all_but, limit_resources
from localai.sandbox.seccomp import install
from localai.sandbox.spec import SandboxSpec

_CAPABILITY_VERSION_3 = 0x20080522
_SHARED_WITH_LABORATORY = ("user", "mnt", "net", "ipc", "uts", "cgroup")

Evidence = dict[str, bool | int | str]
"""What only the confined process itself can measure, for the status."""


def leave(spec: SandboxSpec) -> str:
    """Go through the laboratory's namespaces into new ones of the same kinds.

    A new process id namespace only holds for children: fork afterwards. Returns the empty root
    for ``second``, "" where mounts cannot be had.
    """
    if spec.laboratory:
        shared = [kind for kind in _SHARED_WITH_LABORATORY if kind in spec.namespaces]
        namespaces.enter(spec.laboratory, shared)
    if spec.own_namespaces:
        namespaces.unshare(spec.own_namespaces)
    if "mnt" not in spec.own_namespaces:
        return ""
    namespaces.keep_mounts_private()
    root = f"{spec.directory}/root-{os.getpid()}"
    namespaces.build_empty_root(root, spec.devices, descriptors=spec.parts > 1)
    return root


def first(spec: SandboxSpec, root: str, programs: Collection[str] = ()) -> Evidence:
    """Confine what imports need not have. Returns what the decoys showed of Landlock.

    ``root`` is the empty root that ``leave`` made, "" if mounts cannot be had. ``programs`` can be
    started: a guest is one, a worker never starts any.
    """
    if root and spec.parts > 1:
        namespaces.show_descriptors(root)
    if spec.wants("no-new-privs"):
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    evidence: Evidence = {}
    if spec.wants("landlock") and spec.landlock:
        before = _try_decoys(spec.decoy)
        readable = [landlock.Allowed(path, landlock.READ) for path in (*spec.readable, *programs)]
        devices = [landlock.Allowed(path, _DEVICE_RIGHTS) for path in ("/dev/null", *spec.devices)]
        kept = [landlock.Allowed(path, landlock.READ_FILE) for path in spec.kept]
        coverage = landlock.restrict([*readable, *devices, *kept], spec.landlock)
        after = _try_decoys(spec.decoy)
        evidence = {
            "landlock": coverage.describe(),
            "landlock-file": (before[0], after[0]) == (0, errno.EACCES),
            "landlock-tcp": not coverage.tcp or (before[1], after[1]) == (0, errno.EACCES),
        }
    if spec.wants("seccomp"):
        install(first_filter(programs=bool(programs)))
    return evidence


_OUT_OF_REACH = (errno.EACCES, errno.ENOENT)
_DEVICE_RIGHTS = landlock.READ_FILE | landlock.WRITE_FILE | landlock.IOCTL_DEV


def _try_decoys(path: str) -> tuple[int, int]:
    """The errnos of reading a file of ours and of taking a port on loopback; 0 where it worked."""

    def bind() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as decoy:
            decoy.bind(("127.0.0.1", 0))

    return _errno_of(lambda: _open(path)), _errno_of(bind)


def _open(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def _errno_of(access: Callable[[], None]) -> int:
    try:
        access()
    except OSError as error:
        return error.errno or -1
    return 0


def second(spec: SandboxSpec, root: str, keep: Collection[int]) -> Evidence:
    """Give up everything that only imports needed, and every descriptor but ``keep``. Returns
    what a decoy showed: what imports may read can be read no more.

    ``root`` as above.
    """
    if spec.wants("capabilities"):
        _drop_bounding_set()
    kept = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in spec.kept]  # no path leads there
    if root:
        os.chroot(root)
        os.chdir("/")
    if spec.wants("descriptors"):
        close_all_but([*keep, *kept])
    if spec.wants("account") and spec.uid:
        _become(spec.uid)
    if spec.wants("capabilities"):
        _clear_capabilities()
    if spec.wants("landlock") and spec.landlock:
        devices = [landlock.Allowed(path, _DEVICE_RIGHTS) for path in spec.devices]
        paths = [f"/proc/self/fd/{descriptor}" for descriptor in kept]
        files = [landlock.Allowed(path, landlock.READ_FILE) for path in paths]
        landlock.restrict([*devices, *files], spec.landlock)
    for descriptor in kept:
        os.close(descriptor)
    if spec.wants("rlimits"):
        limit_resources()
    return {"landlock-rest": _errno_of(lambda: _open(spec.readable[0])) in _OUT_OF_REACH}


def _become(uid: int) -> None:
    """Become an account that does not exist, in no group."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _drop_bounding_set() -> None:
    """Let no capability ever come back (capabilities(7)). Without CAP_SETPCAP the set stays;
    no-new-privs makes it meaningless."""
    if not kernel.may_drop_capabilities():
        return
    for number in itertools.count():
        try:
            kernel.prctl(kernel.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return  # past the last that this kernel knows
            raise


def _clear_capabilities() -> None:
    kernel.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
    kernel.syscall("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), b"\0" * 24)


def seal(spec: SandboxSpec) -> None:
    """Allow only what inference calls."""
    if spec.wants("seccomp"):
        install(second_filter(os.getpid(), gpu=bool(spec.devices)))


def lock(spec: SandboxSpec) -> None:
    """Make every further attempt to leave deadly."""
    if spec.wants("seccomp"):
        install(third_filter())
