"""Hubs that the policy names: the only addresses that anything is fetched from.

An address is written ``https://hub.example`` or, for a mirror, with a path. What is fetched goes
by origins (RFC 6454: scheme, host and port): the hub's own, and those of the further hosts that it
sends its files from. Without encryption only this machine itself is an address: what a hub says of
its files is what they are held against.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from localai.errors import DocumentError

if TYPE_CHECKING:
    from localai.shape import Fields

MOST = 16
"""Hubs that a policy may name, and further hosts of each."""

_CLEAN = re.compile(r"[A-Za-z0-9._~:/\[\]-]{1,200}")
_PORTS = {"https": 443, "http": 80}


class Hub(NamedTuple):
    """A hub's address, and the origins of the further hosts that its files come from."""

    url: str
    hosts: tuple[str, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """Every origin that may be spoken to, the hub's own first."""
        return (origin_of(self.url), *self.hosts)

    @property
    def name(self) -> str:
        """What to call it where an artifact's source is named: its address without the scheme."""
        return self.url.partition("://")[2]


def parse_address(text: str) -> str:
    """An address as it is written in a policy. Raises DocumentError if it is none, or one to which
    something would go unencrypted over a network."""
    address = text.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _no_address(text) from error
    if not host or not _CLEAN.fullmatch(address) or parts.scheme not in _PORTS:
        raise _no_address(text)
    if parts.scheme == "http" and not _is_here(host):
        raise DocumentError(
            f"{address} is not encrypted: anybody on the way could change what comes",
            hint=f"https://{parts.netloc}",
        )
    return write_origin(parts.scheme, host, port) + parts.path


def origin_of(url: str) -> str:
    """The origin of any URL, ``https://host`` or ``https://host:8443``. Raises DocumentError."""
    try:
        parts = urlsplit(url)
        return write_origin(parts.scheme, parts.hostname or "", parts.port)
    except ValueError as error:
        raise _no_address(url) from error


def write_origin(scheme: str, host: str, port: int | None) -> str:
    """The origin of an address that was taken apart already."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port not in (None, _PORTS.get(scheme)) else "")


def read_hub(fields: Fields) -> Hub:
    """One hub of a policy."""
    hosts = fields.texts("hosts", most=MOST) if fields.has("hosts") else ()
    for host in hosts:
        if origin_of(_read(fields, "hosts", host)) != host:
            raise fields.refuse("hosts", f"{host!r}: https://host was expected, and nothing more")
    url = fields.text("url")
    if _read(fields, "url", url) != url:
        raise fields.refuse("url", f"{url!r}: {parse_address(url)} was expected")
    return Hub(url, hosts)


def _read(fields: Fields, key: str, text: str) -> str:
    try:
        return parse_address(text)
    except DocumentError as error:
        raise fields.refuse(key, error.message) from error


def _is_here(host: str) -> bool:
    """True for an address of this machine itself. A name is none, whatever it is called: somebody
    would be asked what it stands for."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_address(text: str) -> DocumentError:
    return DocumentError(
        f"{text[:80]!r} is no address of a hub", hint="https://hub.example, and nothing behind it"
    )
