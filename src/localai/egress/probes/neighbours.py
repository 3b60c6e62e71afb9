"""Ways out to whoever is on the same link: multicast groups, and what IPv6 has of its own.

The groups are those by which programs find each other (mDNS: RFC 6762, LLMNR: RFC 4795, SSDP).
Aimed at real ones a nonce would reach every neighbour: only a network of our own is safe.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from localai.egress.probes.network import NO_IPV6, NO_PROTOCOL, address, datagram, query, tcp6
from localai.egress.probes.probe import REFUSED, Probe, Target, text
from localai.egress.probes.services import Message


def _to_group4(message: Message) -> Callable[[Target, bytes], None]:
    def attempt(target: Target, nonce: bytes) -> None:
        interface = socket.inet_aton(text(target, "interface"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            out.sendto(message(nonce), address(target))

    return attempt


def _to_group6(message: Message) -> Callable[[Target, bytes], None]:
    def attempt(target: Target, nonce: bytes) -> None:
        interface = struct.pack("=I", int(target["interface"]))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface)
            out.sendto(message(nonce), address(target))

    return attempt


def _search(nonce: bytes) -> bytes:
    """A search for a kind of device that is named as the nonce (UPnP Device Architecture)."""
    return b'M-SEARCH * HTTP/1.1\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: %s\r\n\r\n' % nonce


def udplite6(target: Target, nonce: bytes) -> None:
    datagram(target, nonce, socket.AF_INET6, socket.IPPROTO_UDPLITE)


def _echo_request6(nonce: bytes) -> bytes:
    """RFC 4443, section 4.1; the kernel puts the checksum in."""
    return struct.pack("!BBHHH", 128, 0, 0, 1, 1) + nonce


def icmp6_datagram(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6) as out:
        out.sendto(_echo_request6(nonce), (text(target, "host"), 0))


def icmp6_raw(target: Target, nonce: bytes) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as out:
        out.sendto(_echo_request6(nonce), (text(target, "host"), 0))


PROBES = (
    Probe("mdns6", "a question to mDNS's group over IPv6", "mdns6", _to_group6(query), NO_IPV6,
          twin="udp6"),
    Probe("llmnr", "a question to LLMNR's group", "llmnr", _to_group4(query), twin="udp4"),
    Probe("llmnr6", "a question to LLMNR's group over IPv6", "llmnr6", _to_group6(query), NO_IPV6,
          twin="udp6"),
    Probe("ssdp", "a search to SSDP's group", "ssdp", _to_group4(_search), twin="udp4"),
    Probe("ssdp6", "a search to SSDP's group over IPv6", "ssdp6", _to_group6(_search), NO_IPV6,
          twin="udp6"),
    Probe("udplite6", "a UDP-Lite datagram over IPv6", "udplite6", udplite6,
          NO_PROTOCOL | NO_IPV6),
    Probe("icmp6-datagram", "an IPv6 echo request by a ping socket", "icmp6", icmp6_datagram,
          REFUSED | NO_IPV6, twin="udp6"),
    Probe("icmp6-raw", "an IPv6 echo request by a raw socket", "icmp6", icmp6_raw,
          REFUSED | NO_IPV6, twin="udp6"),
    Probe("metadata6", "the cloud's metadata address over IPv6", "metadata6", tcp6, NO_IPV6,
          twin="tcp6"),
)  # fmt: skip
