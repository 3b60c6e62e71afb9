"""Ways out by who looks names up or fetches for others: resolvers, name caches and proxies.

A name that is looked up is a message to whoever answers for it; and a proxy fetches whatever
address it is told, also one that is all nonce.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from localai.egress.probes import dbus
from localai.egress.probes.network import datagram, query, stream
from localai.egress.probes.probe import Probe, Target
from localai.egress.probes.services import Message, fill, tell

_GETHOSTBYNAME = 4  # of nscd's requests, version 2


def dns_stub(target: Target, nonce: bytes) -> None:
    """Ask the resolver that most hosts have at an address of loopback."""
    datagram(target, query(nonce), socket.AF_INET)


def wpad(target: Target, nonce: bytes) -> None:
    """Look for the proxy's configuration as browsers do (Web Proxy Auto-Discovery)."""
    datagram(target, query(b"wpad", nonce), socket.AF_INET)


_RESOLVE = dbus.Method(
    b"org.freedesktop.resolve1", b"/org/freedesktop/resolve1", b"org.freedesktop.resolve1.Manager",
    b"ResolveHostname",
)  # fmt: skip


def _by_dbus(nonce: bytes) -> bytes:
    """Any interface, the name, any family, no flags."""
    name = struct.pack("=i", 0) + dbus.string(nonce + b".invalid")
    family = struct.pack("=i", 0)
    return dbus.call(_RESOLVE, b"isit", dbus.pad(name + family, 8) + struct.pack("=Q", 0))


def _by_nscd(nonce: bytes) -> bytes:
    name = nonce + b".invalid\0"
    return struct.pack("=iii", 2, _GETHOSTBYNAME, len(name)) + name


def _by_varlink(nonce: bytes) -> bytes:
    method = b'{"method":"io.systemd.Resolve.ResolveHostname","parameters":{"name":"%s.invalid"}}\0'
    return method % nonce


def _socks(nonce: bytes) -> bytes:
    """SOCKS 5 (RFC 1928): no password, and connect to a name, port 443."""
    name = nonce + b".invalid"
    return b"\x05\x01\x00" + b"\x05\x01\x00\x03" + bytes((len(name),)) + name + b"\x01\xbb"


def _over_tcp(message: Message) -> Callable[[Target, bytes], None]:
    return lambda target, nonce: stream(target, message(nonce), socket.AF_INET)


PROBES = (
    Probe("dns-stub", "a DNS query to this host's own resolver", "stub", dns_stub,
          twin="dns-datagram"),
    Probe("dns-varlink", "a name looked up by systemd-resolved, over varlink", "resolved",
          tell("resolved", _by_varlink), twin="unix-stream"),
    Probe("dns-dbus", "a name looked up by systemd-resolved, over D-Bus", "dbus-system",
          tell("dbus-system", _by_dbus), twin="unix-stream"),
    Probe("nscd", "a name looked up by the name service cache", "nscd", tell("nscd", _by_nscd),
          twin="unix-stream"),
    Probe("proxy-http", "a request by an HTTP proxy", "tcp4",
          _over_tcp(fill(b"GET http://%s.invalid/ HTTP/1.1\r\nHost: localhost\r\n\r\n"))),
    Probe("proxy-connect", "a tunnel by an HTTP proxy", "tcp4",
          _over_tcp(fill(b"CONNECT %s.invalid:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"))),
    Probe("proxy-socks", "a connection by a SOCKS proxy", "tcp4", _over_tcp(_socks)),
    Probe("wpad", "a DNS query for the proxy's configuration", "dns", wpad),
    Probe("pac", "a request for the proxy's configuration", "tcp4",
          _over_tcp(fill(b"GET /proxy.pac?%s HTTP/1.1\r\nHost: localhost\r\n\r\n"))),
)  # fmt: skip
