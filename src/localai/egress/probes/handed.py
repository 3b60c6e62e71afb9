"""Ways out by descriptors that one process hands to another (SCM_RIGHTS in unix(7))."""

from __future__ import annotations

import array
import os
import socket

from localai.egress.probes.probe import KEEPERS, Probe, Target, number, text


def receive_descriptor(target: Target, nonce: bytes) -> None:
    """Take the descriptor that waits in a local socket left open, and write to it. It is only
    looked at (MSG_PEEK), which is enough to have it: others find it there as well."""
    room = socket.CMSG_SPACE(array.array("i").itemsize)
    with socket.socket(fileno=os.dup(number(target, "filled"))) as filled:
        # Not recv_fds: it pays no heed to flags (CPython 3.11).
        ancillary = filled.recvmsg(1, room, socket.MSG_PEEK | socket.MSG_DONTWAIT)[1]
    taken = array.array("i", ancillary[0][2])[0]
    os.write(taken, nonce)
    os.close(taken)


def pass_descriptor(target: Target, nonce: bytes) -> None:
    """Send a descriptor in which the nonce lies. The message itself says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(text(target, "path"))
        reader, writer = os.pipe()
        os.write(writer, nonce)
        os.close(writer)
        socket.send_fds(out, [b"."], [reader])
        os.close(reader)


PROBES = (
    Probe("receive-descriptor", "a descriptor that waits in a socket left open", "decoy",
          receive_descriptor, passes=KEEPERS),
    Probe("pass-descriptor", "a descriptor handed to another process", "passed", pass_descriptor,
          network=True),
)  # fmt: skip
