"""Ways out by other processes: their memory, signals to them, programs and children of one's own.

The process aimed at is always the victim, a process of ours. Whatever has to reach it writes
into memory that it shares with the laboratory.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import struct
import termios
import time
from errno import EIO, ENOSYS

from localai.egress.probes.probe import EVERY_FILTER, REFUSED, WRITERS, Probe, Target, number
from localai.sandbox import kernel

_PTRACE_POKEDATA, _PTRACE_DETACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT = 5, 17, 0x4206, 0x4207
_STOPPING_S = 0.5  # a processor that others use as well may let it wait
_SI_QUEUE = -1
FIRST_BIT = signal.SIGRTMIN  # a nonce has 28 bits: these signals and the 27 after it
SIGNAL = FIRST_BIT + 28
SECRET_BYTES = 16
ENVIRONMENT_BYTES = 8
_AT_EMPTY_PATH = 0x1000


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    kernel.syscall("ptrace", request, pid, address, data)


def ptrace_poke(target: Target, nonce: bytes) -> None:
    # PTRACE_ATTACH would send a SIGSTOP: left pending by a tracer that gave up, it stops for good.
    pid = number(target, "pid")
    _ptrace(_PTRACE_SEIZE, pid)
    _ptrace(_PTRACE_INTERRUPT, pid)
    try:
        word = int.from_bytes(nonce.ljust(8, b"\0")[:8], "little")
        _poke_when_stopped(pid, number(target, "poke"), word)
    finally:
        _ptrace(_PTRACE_DETACH, pid)


def _poke_when_stopped(pid: int, address: int, word: int) -> None:
    """Until it has stopped there is "no such process". No wait for it: that is another call."""
    deadline = time.monotonic() + _STOPPING_S
    while time.monotonic() < deadline:
        try:
            return _ptrace(_PTRACE_POKEDATA, pid, address, word)
        except ProcessLookupError:
            os.sched_yield()
    return _ptrace(_PTRACE_POKEDATA, pid, address, word)


def _vectors(address: int, size: int) -> tuple[bytes, ctypes.Array[ctypes.c_char], bytes]:
    buffer = ctypes.create_string_buffer(size)
    local = struct.pack("@PN", ctypes.addressof(buffer), size)
    return local, buffer, struct.pack("@PN", address, size)


def vm_write(target: Target, nonce: bytes) -> None:
    local, buffer, remote = _vectors(number(target, "write"), len(nonce))
    buffer.raw = nonce
    kernel.syscall("process_vm_writev", number(target, "pid"), local, 1, remote, 1, 0)


def vm_read(target: Target, nonce: bytes) -> bytes:
    local, buffer, remote = _vectors(number(target, "secret"), SECRET_BYTES)
    kernel.syscall("process_vm_readv", number(target, "pid"), local, 1, remote, 1, 0)
    return buffer.raw


def proc_mem(target: Target, nonce: bytes) -> None:
    memory = os.open(f"/proc/{number(target, 'pid')}/mem", os.O_WRONLY)
    try:
        os.lseek(memory, number(target, "mem"), os.SEEK_SET)  # any filter has these two
        os.write(memory, nonce)
    finally:
        os.close(memory)


def read_environment(target: Target, nonce: bytes) -> bytes:
    """Read the first of another process's environment, where programs keep tokens."""
    return _read_of(target, "environ", ENVIRONMENT_BYTES)


def read_open_file(target: Target, nonce: bytes) -> bytes:
    """Read a file that another process holds open, though it has no name any more."""
    return _read_of(target, f"fd/{number(target, 'file')}", SECRET_BYTES)


def _read_of(target: Target, what: str, size: int) -> bytes:
    file = os.open(f"/proc/{number(target, 'pid')}/{what}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, size)
    finally:
        os.close(file)


def _siginfo(nonce: bytes) -> bytes:
    """struct siginfo of a queued signal whose value is the nonce read as hexadecimal."""
    value = int(nonce, 16)
    head = struct.pack("=iiiiIIQ", SIGNAL, 0, _SI_QUEUE, 0, os.getpid(), os.getuid(), value)
    return head.ljust(128, b"\0")


def kill_queue(target: Target, nonce: bytes) -> None:
    kernel.syscall("rt_sigqueueinfo", number(target, "pid"), SIGNAL, _siginfo(nonce))


def pidfd_signal(target: Target, nonce: bytes) -> None:
    handle = kernel.syscall("pidfd_open", number(target, "pid"), 0)
    try:
        kernel.syscall("pidfd_send_signal", handle, SIGNAL, _siginfo(nonce), 0)
    finally:
        os.close(handle)


def kill_bits(target: Target, nonce: bytes) -> None:
    """Plain signals have no value: send the one that is numbered after each bit that is set."""
    value = int(nonce, 16)
    for bit in range(value.bit_length()):
        if value >> bit & 1:
            os.kill(number(target, "pid"), FIRST_BIT + bit)


def fork(target: Target, nonce: bytes) -> None:
    """Have a child write to the open pipe: only the fork itself can fail."""
    child = os.fork()
    if child == 0:
        os.write(number(target, "pipe"), nonce + b"\n")
        os._exit(0)
    os.waitpid(child, 0)


def execute(target: Target, nonce: bytes) -> None:
    """Become a program that writes to the open pipe. No fork before it: that is another probe."""
    os.execve("/bin/sh", ["sh", "-c", _script(target, nonce)], {})  # noqa: S606 - no shell is the point


def execute_memory(target: Target, nonce: bytes) -> None:
    """Become a program that lies in memory only (execveat(2), AT_EMPTY_PATH)."""
    script = _script(target, nonce).encode()
    arguments = (ctypes.c_char_p * 4)(b"sh", b"-c", script, None)
    environment = (ctypes.c_char_p * 1)(None)
    call = ctypes.c_long(kernel.NUMBER["execveat"])
    program, flags = ctypes.c_long(number(target, "program")), ctypes.c_long(_AT_EMPTY_PATH)
    kernel.check(int(kernel.libc.syscall(call, program, b"", arguments, environment, flags)),
                 "execveat")  # fmt: skip


def _script(target: Target, nonce: bytes) -> str:
    """A shell's way to write to the open pipe. It knows descriptors of one digit only: the worker
    has the pipe there, but whoever started the launcher may have left it many files."""
    pipe = number(target, "pipe")
    if pipe > 9:
        pipe = os.dup2(pipe, 1)
    return f"echo {nonce.decode()} >&{pipe}"


def tiocsti(target: Target, nonce: bytes) -> None:
    """Type into a terminal that was handed over open (TIOCSTI in ioctl_tty(2)), as its
    controlling process if that can be had: the kernel asks for it. It is given back, with the
    hangup that comes of that, for whoever tries next."""
    terminal = number(target, "terminal")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with contextlib.suppress(OSError):
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        for byte in nonce:
            fcntl.ioctl(terminal, termios.TIOCSTI, bytes([byte]))
    finally:
        with contextlib.suppress(OSError):
            fcntl.ioctl(terminal, termios.TIOCNOTTY)
        signal.signal(signal.SIGHUP, before)


PROBES = (
    Probe("ptrace", "another process's memory, by ptrace", "victim", ptrace_poke,
          REFUSED),  # Yama may forbid it to everybody
    Probe("vm-write", "another process's memory, by process_vm_writev", "victim", vm_write,
          REFUSED | {ENOSYS}),
    Probe("vm-read", "another process's secret, by process_vm_readv", "secret", vm_read,
          REFUSED | {ENOSYS}, reads=True),
    Probe("proc-mem", "another process's memory, by /proc/PID/mem", "victim", proc_mem, REFUSED,
          passes=WRITERS),
    Probe("read-environment", "another process's environment, by /proc/PID/environ", "environment",
          read_environment, REFUSED, twin="vm-read", reads=True, passes=EVERY_FILTER),
    Probe("read-open-file", "a file that another process holds, by /proc/PID/fd", "held",
          read_open_file, REFUSED, reads=True, passes=EVERY_FILTER),
    Probe("signal-value", "a signal with a value, by rt_sigqueueinfo", "victim", kill_queue),
    Probe("signal-pidfd", "a signal with a value, by pidfd_send_signal", "victim", pidfd_signal,
          REFUSED | {ENOSYS}),
    Probe("signal", "plain signals", "victim", kill_bits),
    Probe("fork", "a child that writes to an open pipe", "instruments", fork),
    Probe("execute", "another program", "instruments", execute, alone=True),
    Probe("execute-memory", "another program that lies in memory only", "instruments",
          execute_memory, REFUSED, alone=True),
    Probe("tiocsti", "words typed into a terminal, by TIOCSTI", "terminal", tiocsti,
          frozenset({EIO})),
)  # fmt: skip
