"""Ways out by io_uring(7), which makes calls without making calls: no filter sees them."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Callable
from errno import EINVAL, ENOSYS

from localai.egress.probes.probe import (
    REFUSED,
    Probe,
    Target,
    buffer,
    internet_address,
    message_header,
    piece,
    text,
)
from localai.sandbox import kernel

_AT_FDCWD = -100
# enum io_uring_op of <linux/io_uring.h>.
_SENDMSG, _CONNECT, _OPENAT, _WRITE, _SEND, _SOCKET = 9, 16, 18, 23, 26, 45


class _Ring:
    """The least of io_uring that makes one call at a time (io_uring_setup(2))."""

    _SQ, _SQES = 0, 0x10000000  # IORING_OFF_*; the completion ring shares the first mapping
    _GETEVENTS = 1

    def __init__(self) -> None:
        parameters = ctypes.create_string_buffer(120)  # struct io_uring_params
        self.descriptor = kernel.syscall("io_uring_setup", 4, parameters)
        offsets = struct.unpack_from("=10I", parameters.raw, 40)  # struct io_sqring_offsets
        self._tail, self._array = offsets[1], offsets[6]
        completion = struct.unpack_from("=10I", parameters.raw, 80)  # struct io_cqring_offsets
        self._head, self._entries = completion[0], completion[5]
        self._rings = mmap.mmap(self.descriptor, mmap.PAGESIZE, offset=self._SQ)
        self._calls = mmap.mmap(self.descriptor, mmap.PAGESIZE, offset=self._SQES)

    def __enter__(self) -> _Ring:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()
        self._rings.close()
        os.close(self.descriptor)

    def call(self, operation: int, fd: int, address: int, length: int, offset: int = 0,
             flags: int = 0) -> int:  # fmt: skip
        """Submit one struct io_uring_sqe, wait for its completion, return its result."""
        entry = struct.pack("=BBHiQQII", operation, 0, 0, fd, offset, address, length, flags)
        self._calls[0:64] = entry.ljust(64, b"\0")
        tail = int(struct.unpack_from("=I", self._rings, self._tail)[0])
        struct.pack_into("=I", self._rings, self._array + 4 * (tail & 3), 0)
        struct.pack_into("=I", self._rings, self._tail, tail + 1)
        kernel.syscall("io_uring_enter", self.descriptor, 1, 1, self._GETEVENTS, None, 0)
        head = int(struct.unpack_from("=I", self._rings, self._head)[0])
        _, result = struct.unpack_from("=Qi", self._rings, self._entries + 16 * (head & 7))
        struct.pack_into("=I", self._rings, self._head, head + 1)
        if result < 0:
            raise OSError(-result, os.strerror(-result), f"io_uring operation {operation}")
        return int(result)

    def socket(self, kind: socket.SocketKind) -> int:
        return self.call(_SOCKET, socket.AF_INET, 0, 0, kind)

    def open(self, path: str, flags: int) -> int:
        name = ctypes.create_string_buffer(os.fsencode(path))
        return self.call(_OPENAT, _AT_FDCWD, ctypes.addressof(name), 0o666, flags=flags)


def io_uring_socket(target: Target, nonce: bytes) -> None:
    """Have the ring make the socket, and send by an ordinary call."""
    with _Ring() as ring:
        out = ring.socket(socket.SOCK_DGRAM)
    kernel.syscall("sendto", out, nonce, len(nonce), 0, internet_address(target), 16)
    os.close(out)


def io_uring_connect(target: Target, nonce: bytes) -> None:
    with _Ring() as ring:
        out = ring.socket(socket.SOCK_STREAM)
        peer, body = buffer(internet_address(target)), buffer(nonce)
        ring.call(_CONNECT, out, ctypes.addressof(peer), 0, offset=len(peer))
        ring.call(_SEND, out, ctypes.addressof(body), len(body))
    os.close(out)


def io_uring_send(target: Target, nonce: bytes) -> None:
    """Send a datagram without ever being connected."""
    peer, body = buffer(internet_address(target)), buffer(nonce)
    vector = piece(body)
    message = buffer(message_header(peer, vector))
    with _Ring() as ring:
        out = ring.socket(socket.SOCK_DGRAM)
        ring.call(_SENDMSG, out, ctypes.addressof(message), 1)
    os.close(out)


def io_uring_openat(target: Target, nonce: bytes) -> bytes:
    """Have the ring open a file that anybody may read, and read it by an ordinary call."""
    with _Ring() as ring:
        file = ring.open(text(target, "path"), os.O_RDONLY)
    try:
        return os.read(file, 64)
    finally:
        os.close(file)


def io_uring_write(target: Target, nonce: bytes) -> None:
    body = buffer(nonce)
    with _Ring() as ring:
        out = ring.open(f"{text(target, 'directory')}/uring", os.O_WRONLY | os.O_CREAT)
        ring.call(_WRITE, out, ctypes.addressof(body), len(body))
    os.close(out)


def _probe(
    attempt: Callable[[Target, bytes], bytes | None],
    way: str,
    sink: str,
    *,
    network: bool = False,
    reads: bool = False,
) -> Probe:
    """A probe that is named as its function is. Hosts may have no io_uring, or forbid it."""
    name = attempt.__name__.replace("_", "-")
    closing = REFUSED | {ENOSYS, EINVAL}
    return Probe(name, way, sink, attempt, closing, network=network, reads=reads)


PROBES = (
    _probe(io_uring_socket, "a UDP socket made by io_uring", "udp4", network=True),
    _probe(io_uring_connect, "a TCP connection by io_uring", "tcp4", network=True),
    _probe(io_uring_send, "a UDP datagram by io_uring", "udp4", network=True),
    _probe(io_uring_openat, "a file opened by io_uring", "public", reads=True),
    _probe(io_uring_write, "a file written by io_uring", "directory"),
)
