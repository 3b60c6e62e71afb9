"""Ways out by sockets: Internet, link layer, local and netlink."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Callable
from errno import (
    EAFNOSUPPORT,
    EINVAL,
    ENETUNREACH,
    ENOPROTOOPT,
    EOPNOTSUPP,
    EPROTONOSUPPORT,
)

from localai.egress.probes.probe import (
    REFUSED,
    Probe,
    Target,
    buffer,
    internet_address,
    message_header,
    number,
    piece,
    text,
)
from localai.sandbox import kernel

TIMEOUT_S = 1.0
PRIVATE_ETHERTYPE = 0x88B5  # IEEE 802: "local experimental"
_IPPROTO_UDPLITE, _IPPROTO_MPTCP = 136, 262
_TCP_FASTOPEN_CONNECT = 30
_NETLINK_USERSOCK = 2

NO_IPV6 = frozenset({EAFNOSUPPORT, ENETUNREACH, 99})  # 99: EADDRNOTAVAIL, IPv6 switched off
NO_PROTOCOL = frozenset({EPROTONOSUPPORT, EINVAL, ENOPROTOOPT})


def address(target: Target) -> tuple[str, int]:
    return text(target, "host"), number(target, "port")


def stream(target: Target, nonce: bytes, family: int, protocol: int = 0) -> None:
    with socket.socket(family, socket.SOCK_STREAM, protocol) as out:
        out.settimeout(TIMEOUT_S)
        out.connect(address(target))
        out.sendall(nonce)


def datagram(target: Target, nonce: bytes, family: int, protocol: int = 0) -> None:
    with socket.socket(family, socket.SOCK_DGRAM, protocol) as out:
        out.sendto(nonce, address(target))


def tcp4(target: Target, nonce: bytes) -> None:
    stream(target, nonce, socket.AF_INET)


def tcp6(target: Target, nonce: bytes) -> None:
    stream(target, nonce, socket.AF_INET6)


def mptcp(target: Target, nonce: bytes) -> None:
    stream(target, nonce, socket.AF_INET, _IPPROTO_MPTCP)


def udp4(target: Target, nonce: bytes) -> None:
    datagram(target, nonce, socket.AF_INET)


def udp6(target: Target, nonce: bytes) -> None:
    datagram(target, nonce, socket.AF_INET6)


def udplite(target: Target, nonce: bytes) -> None:
    datagram(target, nonce, socket.AF_INET, _IPPROTO_UDPLITE)


def udp_connected(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(address(target))
        out.send(nonce)


def udp_sendmsg(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendmsg([nonce], [], 0, address(target))


def udp_sendmmsg(target: Target, nonce: bytes) -> None:
    peer, body = buffer(internet_address(target)), buffer(nonce)
    vector = piece(body)
    message = buffer(message_header(peer, vector) + bytes(8))  # struct mmsghdr ends in a count
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        kernel.syscall("sendmmsg", out.fileno(), message, 1, 0)


def fastopen(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as out:
        # No settimeout: without blocking, the first packet to a server carries no data.
        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 1, 0))
        out.sendto(nonce, socket.MSG_FASTOPEN, address(target))


def fastopen_connect(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as out:
        out.settimeout(TIMEOUT_S)
        out.setsockopt(socket.IPPROTO_TCP, _TCP_FASTOPEN_CONNECT, 1)
        out.connect(address(target))
        out.sendall(nonce)


def broadcast(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        out.sendto(nonce, address(target))


def multicast(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(text(target, "interface"))
        )
        out.sendto(nonce, address(target))


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _echo_request(nonce: bytes) -> bytes:
    body = nonce.ljust(8, b".")
    without = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + body
    return struct.pack("!BBHHH", 8, 0, checksum(without), 1, 1) + body


def icmp_datagram(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as out:
        out.sendto(_echo_request(nonce), (text(target, "host"), 0))


def icmp_raw(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as out:
        out.sendto(_echo_request(nonce), (text(target, "host"), 0))


def raw_ip(target: Target, nonce: bytes) -> None:
    host, port = address(target)
    loopback = socket.inet_aton(host)
    body = struct.pack("!HHHH", port, port, 8 + len(nonce), 0) + nonce
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64,
                         socket.IPPROTO_UDP, 0, loopback, loopback)  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        out.sendto(header + body, (host, 0))


def packet(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as out:
        out.sendto(nonce, (text(target, "interface"), PRIVATE_ETHERTYPE, 0, 0, b"\0" * 6))


def query(*names: bytes) -> bytes:
    """A DNS question (RFC 1035, section 4.1) for the address of the names, in .invalid."""
    labels = b"".join(bytes([len(part)]) + part for part in (*names, b"invalid"))
    return struct.pack("!HHHHHH", 0x4C41, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def dns_datagram(target: Target, nonce: bytes) -> None:
    datagram(target, query(nonce), socket.AF_INET)


def dns_stream(target: Target, nonce: bytes) -> None:
    question = query(nonce)
    stream(target, struct.pack("!H", len(question)) + question, socket.AF_INET)


def dns_libc(target: Target, nonce: bytes) -> None:
    """Ask the C library's resolver, its only name server set to the sink (resolver(3)).

    The sink never answers; the query itself is what carries the nonce out. Where the library's
    state is laid out otherwise, the query would go to the host's own name server: so this is
    tried in a private network only.
    """
    libc = kernel.libc
    kernel.check(int(libc.__res_init()), "res_init")
    libc.__res_state.restype = ctypes.c_void_p
    state = libc.__res_state()
    server = internet_address(target)
    # struct __res_state: int retrans, retry; unsigned long options; int nscount; then addresses.
    head = struct.pack("@iiLi", 1, 1, 0xC1, 1)  # RES_INIT | RES_RECURSE | RES_DEFNAMES
    ctypes.memmove(state, head, len(head))
    ctypes.memmove(state + len(head), server, len(server))
    answer = ctypes.create_string_buffer(512)
    ask = getattr(libc, "res_query", None) or libc.__res_query
    ctypes.set_errno(0)
    ask(nonce + b".invalid", 1, 1, answer, len(answer))
    if error := ctypes.get_errno():
        raise OSError(error, os.strerror(error), "res_query")


def _local(target: Target, nonce: bytes, kind: int) -> None:
    name = text(target, "path").replace("@", "\0", 1)
    with socket.socket(socket.AF_UNIX, kind) as out:
        out.settimeout(TIMEOUT_S)
        out.connect(name)
        out.send(nonce)


def unix_stream(target: Target, nonce: bytes) -> None:
    _local(target, nonce, socket.SOCK_STREAM)


def unix_datagram(target: Target, nonce: bytes) -> None:
    _local(target, nonce, socket.SOCK_DGRAM)


def unix_seqpacket(target: Target, nonce: bytes) -> None:
    _local(target, nonce, socket.SOCK_SEQPACKET)


def netlink(target: Target, nonce: bytes) -> None:
    header = struct.pack("=IHHII", 16 + len(nonce), 16, 0, 0, 0)  # struct nlmsghdr
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_USERSOCK) as out:
        out.sendto(header + nonce, (number(target, "port"), 0))


def _probe(
    attempt: Callable[[Target, bytes], None],
    way: str,
    sink: str,
    closing: frozenset[int] = frozenset(),
    twin: str = "",
    *,
    alone: bool = False,
) -> Probe:
    """A network probe that is named as its function is."""
    name = attempt.__name__.replace("_", "-")
    return Probe(name, way, sink, attempt, closing, network=True, alone=alone, twin=twin)


PROBES = (
    _probe(tcp4, "a TCP connection", "tcp4"),
    _probe(tcp6, "a TCP connection over IPv6", "tcp6", NO_IPV6),
    _probe(udp4, "a UDP datagram", "udp4"),
    _probe(udp6, "a UDP datagram over IPv6", "udp6", NO_IPV6),
    _probe(udp_connected, "send on a connected UDP socket", "udp4"),
    _probe(udp_sendmsg, "a UDP datagram by sendmsg", "udp4"),
    _probe(udp_sendmmsg, "a UDP datagram by sendmmsg", "udp4"),
    _probe(udplite, "a UDP-Lite datagram", "udplite", NO_PROTOCOL),
    _probe(mptcp, "a Multipath TCP connection", "tcp4", NO_PROTOCOL),
    _probe(fastopen, "data on the SYN, by MSG_FASTOPEN", "tcp4", frozenset({EOPNOTSUPP})),
    _probe(fastopen_connect, "data on the SYN, by TCP_FASTOPEN_CONNECT", "tcp4", NO_PROTOCOL),
    _probe(broadcast, "a UDP broadcast", "broadcast"),
    _probe(multicast, "a UDP multicast to mDNS's group", "multicast", twin="udp4"),
    _probe(icmp_datagram, "an echo request by a ping socket", "icmp", REFUSED, "udp4"),
    _probe(icmp_raw, "an echo request by a raw socket", "icmp", REFUSED, "udp4"),
    _probe(raw_ip, "an IP packet of one's own making", "udp4", REFUSED),
    _probe(packet, "a frame by a packet socket", "packet", REFUSED, "udp4", alone=True),
    _probe(dns_datagram, "a DNS query to a chosen server", "dns"),
    _probe(dns_stream, "a DNS query over TCP", "tcp4"),
    _probe(dns_libc, "a DNS query by the C library", "private-dns", twin="dns-datagram",
           alone=True),
    _probe(unix_stream, "a local socket by its path", "unix-stream"),
    _probe(unix_datagram, "a local datagram socket by its path", "unix-datagram"),
    _probe(unix_seqpacket, "an abstract local packet socket", "abstract-seqpacket"),
    Probe("abstract-stream", "an abstract local socket", "abstract-stream", unix_stream,
          network=True),
    Probe("abstract-datagram", "an abstract local datagram socket", "abstract-datagram",
          unix_datagram, network=True),
    Probe("metadata", "the cloud's metadata address", "metadata", tcp4, network=True, twin="tcp4"),
    _probe(netlink, "a netlink message to another process", "netlink",
           REFUSED | {EPROTONOSUPPORT}),
)  # fmt: skip
