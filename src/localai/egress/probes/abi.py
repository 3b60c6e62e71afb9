"""Ways round a filter that counts system calls by number: other ABIs, and io_uring.

int 0x80 reaches the i386 table and x32 a third one, on x86_64 only. io_uring(7) makes calls
without making calls.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Callable
from errno import EINVAL, ENOSYS, EPERM
from signal import SIGSEGV

from localai.egress.probes.probe import REFUSED, Probe, Target, number, text
from localai.sandbox import kernel
from localai.sandbox.syscalls import this_machine

_X32 = 0x40000000
_MAP_32BIT = 0x40
# push rbx; mov eax,102 (socketcall); mov ebx,edi; mov ecx,esi; int 0x80; cdqe; pop rbx; ret
_SOCKETCALL = bytes.fromhex("53 b866000000 89fb 89f1 cd80 4898 5b c3")
_SYS_SOCKET, _SYS_SENDTO = 1, 11

_gate: Callable[[int, int], int] | None = None
_code: mmap.mmap | None = None  # held, or the page would be unmapped under the gate
_low: mmap.mmap | None = None


def prepare_int80() -> None:
    """Make the code page for the int 0x80 probe: no process can once its filter forbids
    PROT_EXEC, and a probe that fails for want of its page would prove nothing."""
    global _gate, _code, _low
    if this_machine() != "x86_64" or _gate is not None:
        return
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    _code = mmap.mmap(-1, mmap.PAGESIZE, private, mmap.PROT_READ | mmap.PROT_WRITE)
    _code.write(_SOCKETCALL)
    start = ctypes.addressof(ctypes.c_char.from_buffer(_code))
    read_and_run = mmap.PROT_READ | mmap.PROT_EXEC
    kernel.syscall("mprotect", start, mmap.PAGESIZE, read_and_run)
    _gate = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_uint, ctypes.c_uint)(start)
    _low = mmap.mmap(-1, mmap.PAGESIZE, private | _MAP_32BIT, mmap.PROT_READ | mmap.PROT_WRITE)


def _inet(target: Target) -> bytes:
    host, port = text(target, "host"), number(target, "port")
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))


def int80(target: Target, nonce: bytes) -> None:
    if _gate is None or _low is None:
        raise RuntimeError("the int 0x80 probe was not prepared")
    base = ctypes.addressof(ctypes.c_char.from_buffer(_low))

    def call(which: int, *words: int) -> int:
        struct.pack_into(f"={len(words)}I", _low, 0, *words)
        result = _gate(which, base)
        if result < 0:
            raise OSError(-result, os.strerror(-result), "int 0x80 socketcall")
        return int(result)

    descriptor = call(_SYS_SOCKET, socket.AF_INET, socket.SOCK_DGRAM, 0)
    try:
        _low[64:80] = _inet(target)
        _low[128 : 128 + len(nonce)] = nonce
        call(_SYS_SENDTO, descriptor, base + 128, len(nonce), 0, base + 64, 16)
    finally:
        os.close(descriptor)


def x32(target: Target, nonce: bytes) -> None:
    def call(name: str, *arguments: int | bytes) -> int:
        words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
        entry = ctypes.c_long(_X32 | kernel.NUMBER[name])
        return kernel.check(int(kernel.libc.syscall(entry, *words)), f"x32 {name}")

    descriptor = call("socket", socket.AF_INET, socket.SOCK_DGRAM, 0)
    try:
        call("sendto", descriptor, nonce, len(nonce), 0, _inet(target), 16)
    finally:
        os.close(descriptor)


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

    def close(self) -> None:
        self._calls.close()
        self._rings.close()
        os.close(self.descriptor)


_OP_SEND, _OP_CONNECT, _OP_OPENAT, _OP_WRITE, _OP_SOCKET = 26, 16, 18, 23, 45
_AT_FDCWD = -100


def uring_connect(target: Target, nonce: bytes) -> None:
    ring = _Ring()
    try:
        out = ring.call(_OP_SOCKET, socket.AF_INET, 0, 0, socket.SOCK_STREAM)
        peer, body = (ctypes.create_string_buffer(b, len(b)) for b in (_inet(target), nonce))
        ring.call(_OP_CONNECT, out, ctypes.addressof(peer), 0, offset=len(peer))
        ring.call(_OP_SEND, out, ctypes.addressof(body), len(body))
        os.close(out)
    finally:
        ring.close()


def uring_write(target: Target, nonce: bytes) -> None:
    ring = _Ring()
    try:
        path = ctypes.create_string_buffer(os.fsencode(f"{text(target, 'directory')}/uring"))
        body = ctypes.create_string_buffer(nonce, len(nonce))
        flags = os.O_WRONLY | os.O_CREAT
        out = ring.call(_OP_OPENAT, _AT_FDCWD, ctypes.addressof(path), 0o666, flags=flags)
        ring.call(_OP_WRITE, out, ctypes.addressof(body), len(body))
        os.close(out)
    finally:
        ring.close()


_NO_RING = REFUSED | {ENOSYS, EINVAL}
PROBES = (
    Probe("io-uring-connect", "a TCP connection by io_uring", "tcp4", uring_connect, _NO_RING,
          network=True),
    Probe("io-uring-write", "a file by io_uring", "directory", uring_write, _NO_RING),
    *(
        (
            Probe("int80", "a UDP datagram by the i386 system call table", "udp4", int80,
                  frozenset({ENOSYS, EPERM, -SIGSEGV}), network=True),
            Probe("x32", "a UDP datagram by the x32 system call table", "udp4", x32,
                  frozenset({ENOSYS, EPERM}), network=True),
        )
        if this_machine() == "x86_64"
        else ()
    ),
)  # fmt: skip
