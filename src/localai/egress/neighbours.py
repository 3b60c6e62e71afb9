"""The sinks on the link: multicast groups and addresses that mean something elsewhere, which only
a network of our own may take, and what IPv6 has of its own."""

from __future__ import annotations

import contextlib
import socket
import struct

from localai.egress.isolation import METADATA6
from localai.egress.sinks import Sinks

_GROUPS4 = {"llmnr": ("224.0.0.252", 5355), "ssdp": ("239.255.255.250", 1900)}
_GROUPS6 = {
    "mdns6": ("ff02::fb", 5353),
    "llmnr6": ("ff02::1:3", 5355),
    "ssdp6": ("ff02::c", 1900),
}
_STUB = ("127.0.0.53", 53)  # systemd-resolved(8)


def open_neighbours(sinks: Sinks, *, private: bool) -> None:
    """Have them all receive. Without IPv6 there is no sink and no way out either: the control
    says which errno."""
    sinks.targets |= {"icmp6": {"host": "::1"}, "udplite6": {"host": "::1", "port": 9}}
    with contextlib.suppress(OSError):
        lite = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE)
        sinks.bind("udplite6", lite, ("::1", 0))
    try:
        sinks.watch(socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
    except PermissionError:
        sinks.unsafe["icmp6"] = "no raw socket to receive it"
    except OSError:  # no IPv6 at all
        pass
    if not private:
        elsewhere = (*_GROUPS4, *_GROUPS6, "metadata6", "stub")
        sinks.unsafe |= dict.fromkeys(elsewhere, "no network namespace of our own")
        return
    sinks.bind("stub", socket.socket(socket.AF_INET, socket.SOCK_DGRAM), _STUB)
    for name, (group, port) in _GROUPS4.items():
        _join4(sinks, name, group, port)
    index = socket.if_nametoindex("lo")
    for name, (group, port) in _GROUPS6.items():
        sinks.targets[name] = {"host": group, "port": port, "interface": index}
        with contextlib.suppress(OSError):
            _join6(sinks, group, port, index)
    sinks.targets["metadata6"] = {"host": METADATA6, "port": 80}
    with contextlib.suppress(OSError):
        _listen6(sinks, 80)


def _join4(sinks: Sinks, name: str, group: str, port: int) -> None:
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    interface = "127.0.0.1"
    membership = socket.inet_aton(group) + socket.inet_aton(interface)
    sink.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    sinks.bind(name, sink, (group, port))
    sinks.targets[name] = {"host": group, "port": port, "interface": interface}


def _join6(sinks: Sinks, group: str, port: int, index: int) -> None:
    sink = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sink.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    membership = socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", index)
    sink.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    sink.bind(("::", port))
    sinks.watch(sink)


def _listen6(sinks: Sinks, port: int) -> None:
    """For whatever address is routed here: none is put on the interface."""
    sink = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sink.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sink.bind(("::", port))
    sink.listen(8)
    sinks.watch(sink)
