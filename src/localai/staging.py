"""Make a host of one's own a staging host: write a hub into the user's own policy.

The rest of the file stays as it is, comments too. A list of hubs is written anew only where it
stands at the end in the words of this module.
"""

from __future__ import annotations

from collections.abc import Sequence

from localai.errors import DocumentError, StateError
from localai.hubs import Hub
from localai.policy import SCHEMA
from localai.settings import parse_settings

_NAME = "own"


def add_hub(raw: bytes | None, hub: Hub) -> bytes:
    """The policy file ``raw`` (None if there is none) with this hub, and its further hosts beside
    those that stand there.

    Raises DocumentError if the file is none, StateError if it must be edited by hand.
    """
    if raw is None:
        return f"schema: {SCHEMA}\nname: {_NAME}\n{_write((hub,))}".encode()
    before = parse_settings(raw)
    hubs = _put(before.hubs or (), hub)
    kept = raw.removesuffix(_write(before.hubs).encode()) if before.hubs is not None else raw
    made = kept.rstrip(b"\n") + b"\n" + _write(hubs).encode()
    try:
        whole = parse_settings(made) == before._replace(hubs=hubs)
    except DocumentError:
        whole = False
    if not whole:
        lines = " ".join(_write(hubs).split())
        raise StateError(
            "your policy has hubs in other words, which are left alone",
            hint=f"edit it, so that it says {lines}",
        )
    return made


def _put(hubs: Sequence[Hub], hub: Hub) -> tuple[Hub, ...]:
    known = next((one for one in hubs if one.url == hub.url), None)
    if known is None:
        return (*hubs, hub)
    merged = Hub(hub.url, tuple(dict.fromkeys((*known.hosts, *hub.hosts))))
    return tuple(merged if one is known else one for one in hubs)


def _write(hubs: Sequence[Hub]) -> str:
    """The key ``hubs`` as YAML. Addresses need no quotes: nothing in them means anything there."""
    if not hubs:
        return "hubs: []\n"
    lines = ["hubs:"]
    for hub in hubs:
        lines.append(f"  - url: {hub.url}")
        lines += ["    hosts:", *(f"      - {host}" for host in hub.hosts)] if hub.hosts else []
    return "\n".join(lines) + "\n"
