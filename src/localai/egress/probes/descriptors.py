"""Ways out by descriptors: left open, turned elsewhere, or stolen."""

from __future__ import annotations

import os
import socket
import struct
from errno import ENOSYS

from localai.egress.probes.probe import EVERY_FILTER, REFUSED, WRITERS, Probe, Target, number, text
from localai.sandbox import kernel


def decoy_write(target: Target, nonce: bytes) -> None:
    """Write to the connected socket that the launcher leaves open on purpose."""
    os.write(number(target, "descriptor"), nonce)


def decoy_reconnect(target: Target, nonce: bytes) -> None:
    """Dissolve the decoy's connection and connect it elsewhere (connect(2), AF_UNSPEC): a
    network namespace is no wall for an inherited socket."""
    out = number(target, "descriptor")
    elsewhere = struct.pack("=H14x", socket.AF_UNSPEC)
    kernel.syscall("connect", out, elsewhere, len(elsewhere))
    host = socket.inet_aton(text(target, "host"))
    address = struct.pack("=H", socket.AF_INET) + struct.pack(
        "!H4s8x", number(target, "port"), host
    )
    kernel.syscall("connect", out, address, len(address))
    os.write(out, nonce)


def steal(target: Target, nonce: bytes) -> None:
    """Take another process's descriptor (pidfd_getfd(2)) and write to it."""
    handle = kernel.syscall("pidfd_open", number(target, "pid"), 0)
    try:
        stolen = kernel.syscall("pidfd_getfd", handle, number(target, "descriptor"), 0)
    finally:
        os.close(handle)
    os.write(stolen, nonce + b"\n")
    os.close(stolen)


def reopen(target: Target, nonce: bytes) -> None:
    """Open another process's descriptor through /proc (proc_pid_fd(5)) and write to it."""
    path = f"/proc/{number(target, 'pid')}/fd/{number(target, 'descriptor')}"
    out = os.open(path, os.O_WRONLY)
    os.write(out, nonce + b"\n")
    os.close(out)


PROBES = (
    Probe("decoy-write", "a socket that was left open", "decoy", decoy_write,
          passes=EVERY_FILTER),
    Probe("decoy-reconnect", "an open socket connected elsewhere", "decoy", decoy_reconnect),
    Probe("steal-descriptor", "a descriptor of another process, by pidfd_getfd", "victim", steal,
          REFUSED | {ENOSYS}),
    Probe("reopen-descriptor", "a descriptor of another process, by /proc", "victim", reopen,
          REFUSED, passes=WRITERS),
)  # fmt: skip
