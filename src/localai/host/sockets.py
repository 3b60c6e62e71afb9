"""Sockets as ``/proc/net`` lists them (proc_pid_net(5)): who listens, and who is connected."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLES = ("tcp", "tcp6", "udp", "udp6")
_ESTABLISHED, _LISTEN, _UNCONNECTED = "01", "0A", "07"  # <net/tcp_states.h>; UDP uses two of them


class Socket(NamedTuple):
    """One TCP or UDP socket. Without a ``peer`` it listens."""

    protocol: str
    address: str
    port: int
    peer: str
    peer_port: int
    inode: int

    @property
    def listens(self) -> bool:
        return not self.peer

    @property
    def leaves(self) -> bool:
        """Whether what it is bound or connected to lies beyond loopback."""
        return not is_loopback(self.peer or self.address)

    def __str__(self) -> str:
        address, port = (self.address, self.port) if self.listens else (self.peer, self.peer_port)
        return f"{self.protocol} {f'[{address}]' if ':' in address else address}:{port}"


def is_loopback(address: str) -> bool:
    """Whether ``address`` is loopback, written as IPv6 too."""
    found = ipaddress.ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def read_sockets(net: Path) -> tuple[Socket, ...]:
    """Everything in the directory ``net`` that listens or is connected.

    Raises OSError if the table of TCP cannot be read; a missing one of IPv6 means there is none.
    """
    found: list[Socket] = []
    for table in _TABLES:
        try:
            lines = (net / table).read_text("ascii").splitlines()
        except FileNotFoundError:
            if table == "tcp":
                raise
            continue
        found += _rows(table[:3], lines[1:])
    return tuple(found)


def _rows(protocol: str, lines: list[str]) -> Iterator[Socket]:
    for line in lines:
        row = line.split()
        address, port = _end(row[1])
        peer, peer_port = _end(row[2])
        connected = row[3] == _ESTABLISHED
        if connected or row[3] == (_LISTEN if protocol == "tcp" else _UNCONNECTED):
            other = (peer, peer_port) if connected else ("", 0)
            yield Socket(protocol, address, port, *other, int(row[9]))


def _end(text: str) -> tuple[str, int]:
    """An address and a port; the address is in hexadecimal words of this machine's byte order."""
    words, _, port = text.partition(":")
    packed = b"".join(
        int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8)
    )
    return str(ipaddress.ip_address(packed)), int(port, 16)
