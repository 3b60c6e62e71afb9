"""Targets that the policy names, and whether this host reaches them.

The one thing in localai that sends a packet off the machine: a TCP connection, closed at once
and without a byte in it, to an address that the administrator wrote down for this purpose. Names
are no addresses: to look one up would ask somebody whom the policy does not name.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import select
import socket
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from localai.shape import Fields

MOST = 16
"""Targets that one key may name."""

PATIENCE_S = 1.5
"""How long silence is waited out: a lost SYN is sent again after one second (RFC 6298)."""

_BLOCKED = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.ETIMEDOUT,
        errno.EACCES,
        errno.EPERM,
        errno.EINVAL,  # a blackhole route
    }
)


class Expectation(StrEnum):
    """What a target is for."""

    BLOCKED = "blocked"  # a canary: this host must not reach it
    REACHABLE = "reachable"  # a control: this host must reach it, or a silent canary says nothing


class Target(NamedTuple):
    """An address and a TCP port that something answers on, and what is expected of it."""

    name: str
    address: str
    port: int
    expected: Expectation


class Outcome(StrEnum):
    """What became of a target."""

    BLOCKED = "blocked"
    REACHABLE = "reachable"
    UNCLEAR = "unclear"  # a refusal comes from the target, or from a firewall: nobody can tell


class Reached(NamedTuple):
    """One target and its outcome; ``detail`` is what was met."""

    target: Target
    outcome: Outcome
    detail: str

    @property
    def is_canary(self) -> bool:
        return self.target.expected is Expectation.BLOCKED

    @property
    def got_through(self) -> bool:
        return self.outcome is Outcome.REACHABLE

    @property
    def as_expected(self) -> bool:
        return self.outcome.value == self.target.expected.value

    def __str__(self) -> str:
        port = self.target.port
        where = f"{self.target.name} ({self.target.address} port {port})"
        return f"{where} {self.outcome.value}: {self.detail}"


def read_target(fields: Fields, expected: Expectation) -> Target:
    """One target of a policy file. Raises DocumentError for what is no address of another host."""
    name, text = fields.slug("name"), fields.text("address")
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise fields.refuse(
            "address", f"{text!r}: an IPv4 or IPv6 address was expected, no name and no port"
        ) from error
    six = address if isinstance(address, ipaddress.IPv6Address) else None
    if (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
        or (six and (six.is_link_local or six.ipv4_mapped or six.scope_id))
    ):
        raise fields.refuse("address", f"{text}: the address of one other host was expected")
    return Target(name, str(address), fields.integer("port", 1, 65535), expected)


def reach(targets: Iterable[Target], *, patience_s: float = PATIENCE_S) -> tuple[Reached, ...]:
    """Try to connect to all targets at once, and wait ``patience_s`` seconds at the longest."""
    found: dict[Target, Reached] = {}
    with contextlib.ExitStack() as opened:
        waiting: dict[int, tuple[Target, socket.socket]] = {}
        asked = tuple(targets)
        for target in asked:
            try:
                attempt = opened.enter_context(_begin(target))
            except OSError as error:
                found[target] = _judge(target, error.errno or errno.EIO)
            else:
                waiting[attempt.fileno()] = target, attempt
        found |= _wait(waiting, time.monotonic() + patience_s)
        for target, attempt in waiting.values():
            if _is_own(target, attempt):
                detail = "an address of this machine itself"
                found[target] = Reached(target, Outcome.UNCLEAR, detail)
    return tuple(found[target] for target in asked)


def _begin(target: Target) -> socket.socket:
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    attempt = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        attempt.setblocking(False)
        problem = attempt.connect_ex((target.address, target.port))
        if problem not in (0, errno.EINPROGRESS):
            raise OSError(problem, os.strerror(problem))
    except OSError:
        attempt.close()
        raise
    return attempt


def _wait(
    waiting: dict[int, tuple[Target, socket.socket]], deadline: float
) -> dict[Target, Reached]:
    """What became of connections under way, by ``deadline`` of the monotonic clock."""
    found = {target: _judge(target, errno.ETIMEDOUT) for target, _ in waiting.values()}
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLOUT)
    left = len(waiting)
    while left and (rest := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(rest * 1000):
            poll.unregister(descriptor)
            left -= 1
            target, attempt = waiting[descriptor]
            problem = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found[target] = _judge(target, problem)
    return found


def _judge(target: Target, problem: int) -> Reached:
    if problem == 0:
        return Reached(target, Outcome.REACHABLE, "it answered")
    if problem in _BLOCKED:
        silent = problem == errno.ETIMEDOUT
        said = "no answer" if silent else os.strerror(problem)
        return Reached(target, Outcome.BLOCKED, said)
    return Reached(target, Outcome.UNCLEAR, os.strerror(problem))


def _is_own(target: Target, attempt: socket.socket) -> bool:
    """The kernel reaches its own addresses from those addresses."""
    with contextlib.suppress(OSError):
        return bool(attempt.getsockname()[0] == target.address)
    return False
