"""Ways round a filter that counts system calls by number: the other ABIs of x86_64.

int 0x80 reaches the i386 table and x32 a third one.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Callable
from errno import ENOSYS, EPERM
from signal import SIGSEGV

from localai.egress.probes.probe import Probe, Target, internet_address
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
        _low[64:80] = internet_address(target)
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
        call("sendto", descriptor, nonce, len(nonce), 0, internet_address(target), 16)
    finally:
        os.close(descriptor)


PROBES = (
    (
        Probe("int80", "a UDP datagram by the i386 system call table", "udp4", int80,
              frozenset({ENOSYS, EPERM, -SIGSEGV}), network=True, alone=True),
        Probe("x32", "a UDP datagram by the x32 system call table", "udp4", x32,
              frozenset({ENOSYS, EPERM}), network=True),
    )
    if this_machine() == "x86_64"
    else ()
)  # fmt: skip
