"""What a probe is, and what whoever tried one says of it."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Mapping
from errno import EACCES, EPERM
from typing import NamedTuple

Target = Mapping[str, str | int]
"""Where a probe aims: the sink's address, port, path, process or descriptor, by name."""

REFUSED = frozenset({EPERM, EACCES})

# The seccomp filters, each of them probed on its own: the worker's while it imports, the one that
# it has around a model, the same with a GPU, and the launcher's.
IMPORTS, MODEL, GPU, LAUNCHER = FILTERS = ("imports", "model", "gpu", "launcher")
EVERY_FILTER = frozenset(FILTERS)
WRITERS = EVERY_FILTER - {MODEL}  # opening a file for writing passes all filters but this one
KEEPERS = frozenset({IMPORTS, LAUNCHER})  # what else can be done to files passes these


class Probe(NamedTuple):
    """One attempt to get a nonce out.

    ``attempt(target, nonce)`` makes the call that the probe is named after and lets its OSError
    out; a probe that ``reads`` is told no nonce and returns what it read: its nonce lies there.
    One that ``speaks`` returns what it says, for the launcher to show on a screen, unless it was
    given that screen itself.
    ``closing`` are the errnos (or, negative, signals) by which the kernel refuses this way even
    to the unconfined control; empty where that must never happen. ``passes`` names the filters
    that let its calls through, since what they confine needs those too: other layers must stop
    it. ``alone`` probes may replace, end or hold up the process that tries them. ``twin`` is the
    probe that covers this one where its sink cannot be had.
    """

    name: str
    way: str
    sink: str
    attempt: Callable[[Target, bytes], bytes | None]
    closing: frozenset[int] = frozenset()
    network: bool = False
    alone: bool = False
    twin: str = ""
    reads: bool = False
    speaks: bool = False
    passes: frozenset[str] = frozenset()


class Attempt(NamedTuple):
    """What the process that tried a probe says of it.

    ``error`` is the errno that the probe's call met (0 if none), ``learned`` what a reading
    probe read, ``failed`` why the attempt itself could not be carried out ("" if it was).
    """

    error: int = 0
    learned: str = ""
    failed: str = ""


def number(target: Target, key: str) -> int:
    return int(target[key])


def text(target: Target, key: str) -> str:
    return str(target[key])


def internet_address(target: Target) -> bytes:
    """struct sockaddr_in of the target's host and port (ip(7))."""
    host, port = text(target, "host"), number(target, "port")
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))


Buffer = ctypes.Array[ctypes.c_char]


def buffer(content: bytes) -> Buffer:
    """Memory of exactly these bytes, for calls that take an address."""
    return ctypes.create_string_buffer(content, len(content))


def message_header(peer: Buffer, vector: Buffer) -> bytes:
    """struct msghdr (sendmsg(2)) of one piece: ``vector`` is its struct iovec. Both must live for
    as long as the header is in use."""
    return struct.pack("@PI4xPNPNi4x", ctypes.addressof(peer), len(peer),
                       ctypes.addressof(vector), 1, 0, 0, 0)  # fmt: skip


def piece(body: Buffer) -> Buffer:
    """struct iovec (readv(2)) of ``body``, which must live as long."""
    return buffer(struct.pack("@PN", ctypes.addressof(body), len(body)))
