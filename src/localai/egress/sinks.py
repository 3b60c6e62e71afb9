"""Sinks: where nonces would arrive. All of them ours, none of them answers.

Every sink is passive: the kernel keeps what came until ``drain`` takes it. So nothing has to run
while a probe is tried, and nothing can be missed between two looks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from localai.egress.instruments import Instruments
from localai.egress.isolation import METADATA
from localai.egress.probes import ipc
from localai.egress.probes.network import PRIVATE_ETHERTYPE
from localai.egress.probes.probe import Target
from localai.sandbox import kernel

MDNS = "224.0.0.251"
LOOPBACK_BROADCAST = "127.255.255.255"
_CHUNK = 1 << 16
_OVERLAP = 64  # bytes: more than any nonce has


class Sinks:
    """All sinks of one self-test.

    ``targets`` says where each lies and ``unsafe`` why one cannot be had here. ``private`` tells
    whether this is a network namespace of our own, where addresses may be taken that mean
    something elsewhere.
    """

    def __init__(self, directory: Path, token: str, *, private: bool) -> None:
        self.targets: dict[str, Target] = {}
        self.unsafe: dict[str, str] = {}
        self._directory = directory
        self._token = token
        self._drains: list[Callable[[], bytes]] = []
        self._closers: list[Callable[[], object]] = []
        self._open_internet()
        self._open_link(private=private)
        self._open_local()
        self._open_queues()

    def drain(self) -> bytes:
        """Everything that arrived since the last look."""
        return b"\n".join(drain() for drain in self._drains)

    def add(self, drain: Callable[[], bytes]) -> None:
        """Let ``drain`` be asked as well."""
        self._drains.append(drain)

    def close(self) -> None:
        """Remove what would outlive this process."""
        for closer in self._closers:
            closer()

    def _open_internet(self) -> None:
        for version, family, host in ((4, socket.AF_INET, "127.0.0.1"),
                                      (6, socket.AF_INET6, "::1")):  # fmt: skip
            # Without IPv6 there is no sink and no way out either: the control says which errno.
            for name, kind in ((f"tcp{version}", socket.SOCK_STREAM),
                               (f"udp{version}", socket.SOCK_DGRAM)):  # fmt: skip
                self.targets[name] = {"host": host, "port": 9}
                with contextlib.suppress(OSError):
                    self.bind(name, socket.socket(family, kind), (host, 0))
        self.bind("dns", socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", 0))
        self.targets["udplite"] = {"host": "127.0.0.1", "port": 9}
        with contextlib.suppress(OSError):
            lite = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)
            self.bind("udplite", lite, ("127.0.0.1", 0))
        wide = self.bind("broadcast", socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("", 0))
        self.targets["broadcast"] = {"host": LOOPBACK_BROADCAST, "port": wide}

    def _open_link(self, *, private: bool) -> None:
        """Sinks below and beside TCP and UDP: some need a capability, some our own network."""
        self.targets["icmp"] = {"host": "127.0.0.1"}
        self.targets["packet"] = {"interface": "lo"}
        try:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self.watch(raw)
        except PermissionError:
            self.unsafe["icmp"] = "no raw socket to receive it"
        with contextlib.suppress(PermissionError):
            # For nothing at first: to rebind one that receives takes the kernel 10 ms.
            frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            frames.bind(("lo", PRIVATE_ETHERTYPE))
            self.watch(frames)
        if not private:
            reason = "no network namespace of our own"
            self.unsafe |= {"metadata": reason, "multicast": reason, "private-dns": reason}
            return
        self.targets["private-dns"] = self.targets["dns"]
        self.bind("metadata", socket.socket(), (METADATA, 80))
        group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        interface = socket.inet_aton("127.0.0.1")
        membership = socket.inet_aton(MDNS) + interface
        group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        port = self.bind("multicast", group, (MDNS, 0))
        self.targets["multicast"] = {"host": MDNS, "port": port, "interface": "127.0.0.1"}

    def _open_local(self) -> None:
        for name, kind in (("stream", socket.SOCK_STREAM), ("datagram", socket.SOCK_DGRAM)):
            path = str(self._directory / name)
            self.bind(f"unix-{name}", socket.socket(socket.AF_UNIX, kind), path)
        for name, kind in (("stream", socket.SOCK_STREAM), ("datagram", socket.SOCK_DGRAM),
                           ("seqpacket", socket.SOCK_SEQPACKET)):  # fmt: skip
            path = f"\0localai-{self._token}-{name}"
            self.bind(f"abstract-{name}", socket.socket(socket.AF_UNIX, kind), path)
        self.targets["netlink"] = {"port": os.getpid()}
        with contextlib.suppress(OSError):
            link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)  # NETLINK_USERSOCK
            link.bind((os.getpid(), 0))
            self.watch(link)

    def bind(self, name: str, sink: socket.socket, address: tuple[str, int] | str) -> int:
        sink.bind(address)
        if sink.type in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            sink.listen(64)
        if isinstance(address, str):
            self.targets[name] = {"path": address.replace("\0", "@", 1)}
            port = 0
        else:
            port = int(sink.getsockname()[1])
            self.targets[name] = {"host": address[0], "port": port}
        self.watch(sink)
        return port

    def watch(self, sink: socket.socket) -> None:
        sink.setblocking(False)
        listens = sink.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        accepted: list[socket.socket] = []

        def drain() -> bytes:
            if not listens:
                return receive(sink)
            with contextlib.suppress(BlockingIOError):
                while True:
                    accepted.append(sink.accept()[0])
            return b"\n".join(map(receive, accepted))

        self._drains.append(drain)

    def _open_queues(self) -> None:
        """System V and POSIX objects. Where the kernel has none, the control finds that out."""
        key = int(self._token, 16) | 1
        for kind in ("queue", "shared", "semaphore"):
            self.targets[f"sysv-{kind}"] = {"key": key}
        name = f"localai-{self._token}"
        self.targets["posix-queue"] = {"name": name}
        for open_one in (self._open_sysv_queue, self._open_sysv_shared, self._open_semaphore):
            with contextlib.suppress(OSError):
                open_one(key)
        with contextlib.suppress(OSError):
            self._open_posix_queue(name)

    _CREATE = 0o3666  # IPC_CREAT | IPC_EXCL, for everybody

    def _open_sysv_queue(self, key: int) -> None:
        queue = kernel.syscall("msgget", key, self._CREATE)
        buffer = ctypes.create_string_buffer(8 + ipc.MESSAGE_BYTES)

        def drain() -> bytes:
            size = kernel.syscall("msgrcv", queue, buffer, ipc.MESSAGE_BYTES, 0, 0o4000)
            return buffer.raw[8 : 8 + size]

        self._drains.append(lambda: repeat(drain))
        self._closers.append(lambda: kernel.syscall("msgctl", queue, 0, 0))

    def _open_sysv_shared(self, key: int) -> None:
        segment = kernel.syscall("shmget", key, ipc.SHARED_BYTES, self._CREATE)
        address = kernel.syscall("shmat", segment, 0, 0)
        self._drains.append(lambda: ctypes.string_at(address, ipc.SHARED_BYTES))
        self._closers.append(lambda: kernel.syscall("shmctl", segment, 0, 0))

    def _open_semaphore(self, key: int) -> None:
        semaphores = kernel.syscall("semget", key, ipc.SEMAPHORES, self._CREATE)

        def drain() -> bytes:
            low, high = (kernel.syscall("semctl", semaphores, n, 12, 0) for n in (0, 1))  # GETVAL
            return b"%07x" % (high << 14 | low)

        self._drains.append(drain)
        self._closers.append(lambda: kernel.syscall("semctl", semaphores, 0, 0, 0))

    def _open_posix_queue(self, name: str) -> None:
        attributes = struct.pack("@5l24x", 0, 8, ipc.MESSAGE_BYTES, 0, 0)
        flags = os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NONBLOCK
        queue = kernel.syscall("mq_open", name.encode(), flags, 0o666, attributes)
        buffer = ctypes.create_string_buffer(ipc.MESSAGE_BYTES)

        def drain() -> bytes:
            size = kernel.syscall("mq_timedreceive", queue, buffer, ipc.MESSAGE_BYTES, None, None)
            return buffer.raw[:size]

        self._drains.append(lambda: repeat(drain))
        self._closers.append(lambda: kernel.syscall("mq_unlink", name.encode()))


def receive(sink: socket.socket) -> bytes:
    """All that a non-blocking socket holds."""
    return repeat(lambda: sink.recv(_CHUNK))


def read_all(descriptor: int) -> bytes:
    """All that a non-blocking stream holds, in one piece."""
    return repeat(lambda: os.read(descriptor, _CHUNK), between=b"")


def follow(descriptor: int) -> Callable[[], bytes]:
    """A look at a stream that begins with the end of what it saw before: whoever writes may have
    been half-way through a nonce then, and a nonce in two halves would be missed."""
    end = b""

    def drain() -> bytes:
        nonlocal end
        if not (new := read_all(descriptor)):
            return b""
        seen = end + new
        end = seen[-_OVERLAP:]
        return seen

    return drain


def repeat(take: Callable[[], bytes], between: bytes = b"\n") -> bytes:
    """Call ``take`` until it has nothing more or fails; at most 1,000 times."""
    taken: list[bytes] = []
    with contextlib.suppress(OSError):
        for _ in range(1000):
            taken.append(take())
            if not taken[-1]:
                break
    return between.join(taken)


def watch_instruments(instruments: Instruments, sinks: Sinks) -> None:
    """Let ``sinks`` drain what comes through the instruments as well."""
    sinks.targets["decoy"] = instruments.decoy_target
    for receiver in instruments.receivers:
        sinks.add(lambda receiver=receiver: receive(receiver))  # type: ignore[misc]
    for descriptor in (instruments.pipe_end, *instruments.terminals):
        os.set_blocking(descriptor, False)
        sinks.add(follow(descriptor))
