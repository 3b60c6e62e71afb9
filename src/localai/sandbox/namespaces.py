"""Namespaces (namespaces(7)): had where the host allows them, never required.

A worker starts inside the laboratory's namespaces, where every sink of the self-test is within
reach, and then leaves for empty ones of its own. So a probe that fails has been stopped, not
merely lost.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Collection
from pathlib import Path

from localai.sandbox import kernel

FLAGS = {  # <linux/sched.h>; the order in which they are entered
    "user": 0x10000000,
    "mnt": 0x00020000,
    "net": 0x40000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "cgroup": 0x02000000,
    "pid": 0x20000000,
}
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_DESCRIPTORS = "/proc/self/fd"
_SIOCSIFFLAGS, _SIOCSIFADDR = 0x8914, 0x8916
_RTM_NEWROUTE, _RTA_DST, _RTA_OIF = 24, 1, 4  # <linux/rtnetlink.h>
_RT_TABLE_LOCAL, _RTPROT_BOOT, _RT_SCOPE_HOST, _RTN_LOCAL = 255, 3, 254, 2
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE = 0x1, 0x4, 0x400
_IFF_UP, _IFF_MULTICAST = 0x1, 0x1000


def unshare(names: Collection[str]) -> None:
    """Leave for new namespaces of the kinds ``names``. Raises OSError if that is refused."""
    flags = sum(FLAGS[name] for name in names)
    kernel.check(int(kernel.libc.unshare(flags)), "unshare")


def become_own_root(uid: int, gid: int) -> None:
    """Make a user namespace in which this account stays itself and holds every capability.

    Ids are mapped one to one, so files and messages keep their owner (user_namespaces(7)).
    """
    unshare(["user"])
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")


def enter(pid: int, names: Collection[str]) -> None:
    """Join the namespaces ``names`` of process ``pid`` (setns(2)), the user namespace first."""
    for name in (name for name in FLAGS if name in names):
        descriptor = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.check(int(kernel.libc.setns(descriptor, FLAGS[name])), f"setns {name}")
        finally:
            os.close(descriptor)


def read_namespaces(pid: int | str = "self") -> dict[str, str]:
    """Which namespace of each kind a process is in, as ``/proc/PID/ns`` names them."""
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in FLAGS}  # noqa: PTH115


def raise_loopback() -> None:
    """Bring ``lo`` up in this network namespace, and let it carry multicast (netdevice(7))."""
    flags = struct.pack("16sh22x", b"lo", _IFF_UP | _IFF_MULTICAST)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, flags)


def add_loopback_address(address: str) -> None:
    """Let ``lo`` have an IPv4 address beside 127.0.0.1, in this network namespace only."""
    name = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFADDR, struct.pack("16s16s8x", b"lo:1", name))


def route_to_loopback(network: str, bits: int) -> None:
    """Have everything for an IPv6 network come back to ``lo``, in this network namespace: a route
    of the kind that a host's own addresses have (rtnetlink(7)). It also carries multicast."""

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("=HH", 4 + len(value), kind) + value

    route = struct.pack("=8BI", socket.AF_INET6, bits, 0, 0, _RT_TABLE_LOCAL, _RTPROT_BOOT,
                        _RT_SCOPE_HOST, _RTN_LOCAL, 0)  # fmt: skip
    route += attribute(_RTA_DST, socket.inet_pton(socket.AF_INET6, network))
    route += attribute(_RTA_OIF, struct.pack("=I", socket.if_nametoindex("lo")))
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE
    message = struct.pack("=IHHII", 16 + len(route), _RTM_NEWROUTE, flags, 1, 0) + route
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:  # NETLINK_ROUTE
        link.sendto(message, (0, 0))
        error = -int(struct.unpack_from("=i", link.recv(1 << 12), 16)[0])
    if error:
        raise OSError(error, os.strerror(error), f"route {network}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [ctypes.c_char_p(t.encode() if t else None) for t in (source, target, kind)]
    options = ctypes.c_char_p(data.encode() if data else None)
    kernel.check(
        int(kernel.libc.mount(*encoded, ctypes.c_ulong(flags), options)), f"mount {target}"
    )


def keep_mounts_private() -> None:
    """Let no mount made here show anywhere else."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def mount_scratch(directory: str) -> None:
    """Cover ``directory`` with an empty file system in memory that vanishes with the namespace."""
    flags = _MS_NOSUID | _MS_NODEV
    _mount("localai", directory, "tmpfs", flags, "size=4m,nr_inodes=512,mode=0711")


def bind(source: str, target: str) -> None:
    """Let ``target`` show what ``source`` is, mounts in it included."""
    _mount(source, target, None, _MS_BIND | _MS_REC)


def unmount(directory: str) -> None:
    """Take away what covers ``directory``, here only (umount2(2))."""
    kernel.check(int(kernel.libc.umount2(directory.encode(), _MNT_DETACH)), f"umount {directory}")


def build_empty_root(directory: str, devices: Collection[str], *, descriptors: bool) -> None:
    """Make ``directory`` the root of an empty, read-only file system that holds ``devices`` only,
    and with ``descriptors`` a place for ``show_descriptors``. To be entered with chroot(2):
    Landlock allows that later, when it no longer allows a mount."""
    os.mkdir(directory, 0o755)  # noqa: PTH102
    flags = _MS_NOSUID | _MS_NOEXEC
    _mount("localai", directory, "tmpfs", flags, "size=64k,nr_inodes=64,mode=0555")
    for device in devices:
        inside = Path(directory + device)
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.touch()
        _mount(device, str(inside), None, _MS_BIND)
    if descriptors:
        Path(directory + _DESCRIPTORS).mkdir(parents=True)
    _mount("localai", directory, None, flags | _MS_REMOUNT | _MS_BIND | _MS_RDONLY)


def show_descriptors(root: str) -> None:
    """Let this process find its own descriptors in the empty root, and nothing else of /proc: a
    split set can only be loaded by paths."""
    _mount(_DESCRIPTORS, root + _DESCRIPTORS, None, _MS_BIND)
