"""Ways out by socket families beside the Internet's, the local ones and netlink.

Asking for a family that is not there has the kernel load a module for it. So only what is loaded
already is asked for: ``/proc/net/protocols`` tells.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
import time
from collections.abc import Callable
from errno import EAFNOSUPPORT, EAGAIN, EBUSY, EINVAL, ENOBUFS, ENOPROTOOPT, EOPNOTSUPP

from localai.egress.probes.network import PRIVATE_ETHERTYPE, TIMEOUT_S
from localai.egress.probes.probe import REFUSED, Probe, Target, number, text
from localai.sandbox import kernel

AF_XDP, _SOL_XDP = 44, 283
_TX_RING, _UMEM_REG, _FILL_RING, _COMPLETION_RING, _MMAP_OFFSETS = 3, 4, 5, 6, 1
_PGOFF_TX_RING = 0x80000000
_XDP_COPY = 2
_TRIES = 60

# Every family that Linux 6.18 has: protocol's name in /proc/net/protocols, then the numbers of
# family, type and protocol that make a socket of it and load nothing further.
_KNOWN = """
UNIX-STREAM:1:1:0 UNIX:1:2:0 NETLINK:16:3:2 PACKET:17:3:0 AF_VSOCK:40:1:0 XDP:44:3:0
TCP:2:1:6 UDP:2:2:17 UDP-Lite:2:2:136 PING:2:2:1 RAW:2:3:255 MPTCP:2:1:262
TCPv6:10:1:6 UDPv6:10:2:17 UDPLITEv6:10:2:136 PINGv6:10:2:58 RAWv6:10:3:255 MPTCPv6:10:1:262
SCTP:2:5:132 SCTPv6:10:5:132 DCCP:2:6:33 DCCPv6:10:6:33 L2TP/IP:2:2:115 L2TP/IPv6:10:2:115
AX25:3:5:0 DDP:5:2:0 NETROM:6:5:0 VCC:20:2:5 X25:9:5:0 ROSE:11:5:0 KEY:15:3:2 RDS:21:5:0
PPPOE:24:1:0 LLC:26:2:0 CAN_RAW:29:3:1 CAN_BCM:29:2:2 CAN_ISOTP:29:2:6 CAN_J1939:29:2:7
TIPC:30:2:0 L2CAP:31:5:0 HCI:31:3:1 SCO:31:5:2 RFCOMM:31:1:3 BNEP:31:3:4 ISO:31:5:8
AF_IUCV:32:1:0 RXRPC:33:2:2 PHONET:35:2:1 IEEE-802.15.4-RAW:36:3:0 IEEE-802.15.4-MAC:36:2:0
CAIF:37:5:0 ALG:38:5:0 NFC_RAW:39:3:0 NFC_LLCP:39:1:1 KCM:41:2:0 QIPCRTR:42:2:0 SMC:43:1:0
SMC6:43:1:1 MCTP:45:2:0
"""


def find_loaded(protocols: str) -> str:
    """Of the families that are known here, those in the text of ``/proc/net/protocols``."""
    loaded = {line.split()[0] for line in protocols.splitlines() if line}
    known = (entry.partition(":") for entry in _KNOWN.split())
    return " ".join(numbers for name, _, numbers in known if name in loaded)


def vsock(target: Target, nonce: bytes) -> None:
    """Speak to this very machine, by the number that means just that (vsock(7))."""
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as out:
        out.settimeout(TIMEOUT_S)
        out.connect((number(target, "cid"), number(target, "port")))
        out.sendall(nonce)


def sweep(target: Target, nonce: bytes) -> None:
    """Make a socket of each family that the kernel has, and tell by the open pipe: only the
    making can fail."""
    met = OSError(EAFNOSUPPORT, os.strerror(EAFNOSUPPORT), "no family is known to be loaded")
    for numbers in text(target, "families").split():
        try:
            made = socket.socket(*map(int, numbers.split(":")))
        except OSError as error:
            met = error
            continue
        made.close()
        os.write(number(target, "pipe"), nonce + b"\n")
        return
    raise met


def xdp(target: Target, nonce: bytes) -> None:
    """Put a frame into a ring that a device sends from (AF_XDP in the kernel's documentation)."""
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    frame = b"\0" * 12 + struct.pack("!H", PRIVATE_ETHERTYPE) + nonce
    memory[: len(frame)] = frame
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    with socket.socket(AF_XDP, socket.SOCK_RAW) as out:
        area = struct.pack("=QQIIII", start, len(memory), len(memory), 0, 0, 0)
        out.setsockopt(_SOL_XDP, _UMEM_REG, area)
        for ring in (_FILL_RING, _COMPLETION_RING, _TX_RING):
            out.setsockopt(_SOL_XDP, ring, 1)
        offsets = struct.unpack("=16Q", out.getsockopt(_SOL_XDP, _MMAP_OFFSETS, 128))
        producer, _, entries, _ = offsets[4:8]
        index = socket.if_nametoindex(text(target, "interface"))
        address = struct.pack("=HHIII", AF_XDP, _XDP_COPY, index, 0, 0)
        _insist(lambda: kernel.syscall("bind", out.fileno(), address, len(address)))
        with mmap.mmap(out.fileno(), entries + 16, offset=_PGOFF_TX_RING) as sending:
            struct.pack_into("=QII", sending, entries, 0, len(frame), 0)
            struct.pack_into("=I", sending, producer, 1)
            _insist(lambda: out.send(b"", socket.MSG_DONTWAIT))


def _insist(step: Callable[[], object]) -> None:
    """The device is busy for a while after another socket has left it: that denies nothing."""
    for left in reversed(range(_TRIES)):
        try:
            step()
        except OSError as error:
            if not left or error.errno not in (EAGAIN, EBUSY, ENOBUFS):
                raise
            time.sleep(0.005)
        else:
            return


PROBES = (
    Probe("vsock", "a connection to a neighbour of this virtual machine", "vsock", vsock,
          twin="tcp4"),
    Probe("xdp", "a frame by an XDP socket", "xdp", xdp,
          REFUSED | {EINVAL, ENOPROTOOPT, EOPNOTSUPP, EAFNOSUPPORT}, twin="udp4",
          alone=True),
    Probe("socket-families", "a socket of any family that the kernel has", "families", sweep,
          twin="unix-stream"),
)  # fmt: skip
