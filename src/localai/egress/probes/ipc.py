"""Ways out by interprocess communication that needs no descriptor: sysvipc(7), mq_overview(7),
keyrings(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from errno import ENOSYS

from localai.egress.probes.probe import REFUSED, Probe, Target, number, text
from localai.sandbox import kernel

SHARED_BYTES = 64
SEMAPHORES = 2  # a semaphore holds 15 bits
MESSAGE_BYTES = 64
_SETVAL = 16


def sysv_queue(target: Target, nonce: bytes) -> None:
    queue = kernel.syscall("msgget", number(target, "key"), 0)
    message = struct.pack("@l", 1) + nonce
    kernel.syscall("msgsnd", queue, message, len(nonce), 0o4000)  # IPC_NOWAIT


def sysv_shared(target: Target, nonce: bytes) -> None:
    segment = kernel.syscall("shmget", number(target, "key"), SHARED_BYTES, 0)
    address = kernel.syscall("shmat", segment, 0, 0)
    ctypes.memmove(address, nonce, len(nonce))
    kernel.syscall("shmdt", address)


def sysv_semaphore(target: Target, nonce: bytes) -> None:
    semaphores = kernel.syscall("semget", number(target, "key"), SEMAPHORES, 0)
    for index in range(SEMAPHORES):
        part = int(nonce, 16) >> 14 * index & 0x3FFF
        kernel.syscall("semctl", semaphores, index, _SETVAL, part)


def posix_queue(target: Target, nonce: bytes) -> None:
    queue = kernel.syscall("mq_open", os.fsencode(text(target, "name")), os.O_WRONLY, 0, None)
    try:
        kernel.syscall("mq_timedsend", queue, nonce, len(nonce), 0, None)
    finally:
        os.close(queue)


def keyring(target: Target, nonce: bytes) -> None:
    """Put a key into another process's keyring."""
    ring = number(target, "keyring")
    kernel.syscall("add_key", b"user", b"localai-" + nonce, nonce, len(nonce), ring)


PROBES = (
    Probe("sysv-queue", "a System V message queue", "sysv-queue", sysv_queue, frozenset({ENOSYS})),
    Probe("sysv-shared", "a System V shared segment", "sysv-shared", sysv_shared,
          frozenset({ENOSYS})),
    Probe("sysv-semaphore", "a System V semaphore", "sysv-semaphore", sysv_semaphore,
          frozenset({ENOSYS})),
    Probe("posix-queue", "a POSIX message queue", "posix-queue", posix_queue,
          frozenset({ENOSYS})),
    Probe("keyring", "a key in another process's keyring", "keyring", keyring, REFUSED | {ENOSYS}),
)  # fmt: skip
