"""What can be seen of this host without sending anything.

A route is asked of the kernel by connecting a UDP socket to an address that is reserved for
documentation: connect(2) on a datagram socket only chooses a route, and nothing is ever sent.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from localai.host.names import AI_TOOLS, SYNC_CLIENTS, read_name
from localai.sandbox import kernel

if TYPE_CHECKING:
    from localai.host.targets import Reached

# RFC 5737 and RFC 3849; port 9 is discard
_FAR = (
    (socket.AF_INET, ("192.0.2.1", 9)),
    (socket.AF_INET, ("203.0.113.1", 9)),
    (socket.AF_INET6, ("2001:db8::1", 9)),
)
# Refusals that mean "there is no way there", as against "you may not ask"
_NO_ROUTE = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EINVAL,  # a blackhole route
        errno.EACCES,  # a prohibit route
    }
)
RESOLV_CONF = Path("/etc/resolv.conf")
RESOLVED = Path("/run/systemd/resolve/io.systemd.Resolve")
PROC = Path("/proc")


class HostFacts(NamedTuple):
    """What was seen. ``proxies`` are names of variables only: their values may hold passwords.

    ``unchecked`` says what could not be looked at, and why. ``wsl``: this is Linux inside Windows,
    and only one side of the host was seen. ``reached`` is what became of the policy's targets,
    where any were tried.
    """

    routes: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    sync_clients: tuple[str, ...] = ()
    ai_tools: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    wsl: bool = False
    reached: tuple[Reached, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        """What could be a way out: routes, resolvers, proxies, in words."""
        found = {"route": self.routes, "resolver": self.resolvers, "proxy in": self.proxies}
        return tuple(f"{what} {', '.join(which)}" for what, which in found.items() if which)


def read_host(
    environ: Mapping[str, str],
    *,
    resolv_conf: Path = RESOLV_CONF,
    resolved: Path = RESOLVED,
    proc: Path = PROC,
) -> HostFacts:
    """Look at routes, resolvers, proxies, and at what else runs here. Sends nothing."""
    unchecked: list[str] = []
    running = _running(proc, unchecked)
    return HostFacts(
        routes=_routes(unchecked) + _listed_routes(proc, unchecked),
        resolvers=_resolvers(resolv_conf, resolved, unchecked),
        proxies=tuple(sorted(name for name in environ if environ[name] and _is_proxy(name))),
        sync_clients=tuple(sorted(running & SYNC_CLIENTS)),
        ai_tools=tuple(sorted(running & AI_TOOLS)),
        unchecked=tuple(unchecked),
        wsl=is_wsl(proc),
    )


def is_wsl(proc: Path = PROC) -> bool:
    """Whether this is Linux inside Windows."""
    try:
        release = (proc / "sys/kernel/osrelease").read_text("ascii", "replace")
    except OSError:
        return False
    return kernel.is_microsofts(release)


def _routes(unchecked: list[str]) -> tuple[str, ...]:
    """The kernel's answer, policy routing included: which of our addresses would be used."""
    found: list[str] = []
    for family, address in _FAR:
        try:
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as unsent:
                unsent.connect(address)
                found.append(f"from {unsent.getsockname()[0]}")
        except OSError as error:
            if error.errno not in _NO_ROUTE:
                unchecked.append(f"route to {address[0]}: {error.strerror}")
    return tuple(dict.fromkeys(found))


def _listed_routes(proc: Path, unchecked: list[str]) -> tuple[str, ...]:
    """Interfaces other than loopback that the main tables route over: a network of the agency's
    own has no route to documentation addresses. A missing IPv6 table means there is no IPv6."""
    found: set[str] = set()
    for name, column, required in (("route", 0, True), ("ipv6_route", -1, False)):
        try:
            lines = (proc / "net" / name).read_bytes().decode("ascii", "replace").split("\n")
        except OSError as error:
            if required or error.errno != errno.ENOENT:
                unchecked.append(f"{proc}/net/{name}: {error.strerror}")
            continue
        rows = (line.split() for line in lines[1 if name == "route" else 0 :])
        found |= {row[column] for row in rows if row and row[column] != "lo"}
    return tuple(f"over {interface}" for interface in sorted(found))


def _resolvers(resolv_conf: Path, resolved: Path, unchecked: list[str]) -> tuple[str, ...]:
    try:
        lines: Iterable[str] = resolv_conf.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = ()
    except OSError as error:
        unchecked.append(f"{resolv_conf}: {error.strerror}")
        lines = ()
    words = (line.split() for line in lines)
    servers = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return (*servers, *(["systemd-resolved"] if resolved.exists() else []))


def _is_proxy(name: str) -> bool:
    name = name.casefold()
    return name.endswith("_proxy") and name != "no_proxy"


def _running(proc: Path, unchecked: list[str]) -> set[str]:
    """Command names of all processes. Read with plain calls: a busy host has thousands."""
    names: set[str] = set()
    try:
        with os.scandir(proc) as entries:
            for entry in entries:
                if entry.name.isdigit():
                    names.add(read_name(f"{entry.path}/comm"))
    except OSError as error:
        unchecked.append(f"{proc}: {error.strerror}")
    return names
