"""Which hub ``localai fetch`` may ask: the policy's, or one that somebody names here and now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.cli import console
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, UsageError
from localai.fetch.bring import CHECK
from localai.findings import Finding, Verdict
from localai.hubs import Hub, origin_of, parse_address
from localai.locking import locked
from localai.places import make_private
from localai.policy import LoadedPolicy
from localai.smallfile import read_small
from localai.staging import add_hub
from localai.terminal import printable, show_path

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]*")  # RFC 6750, section 2.1
_WHY = "whatever comes from outside comes by a host that may fetch, from a hub that is named"


class Choice(NamedTuple):
    """The hub, the token that belongs to it, and whether the rules about it are one's own."""

    hub: Hub
    token: str
    own: bool


def choose_hub(around: Surroundings, given: str, hosts: Sequence[str]) -> Choice | Finding:
    """The hub that is meant, if the policy names it. Where nobody administers the policy, one that
    is named here (or by whoever is asked) is written into the user's own first.

    Raises UsageError for an address that is none, and where it is not clear which one is meant.
    """
    loaded = around.read_policy()
    if loaded.problem:
        why = "without its rules nothing can be allowed"
        return Finding("policy", Verdict.FAIL, "unreadable", loaded.problem, why, loaded.remedy)
    endpoint = around.environ.get("HF_ENDPOINT", "")
    url = _address(given or endpoint)
    hubs = {hub.url: hub for hub in loaded.policy.hubs}
    if not url and len(hubs) == 1:
        url = next(iter(hubs))
    if not url and hubs:
        raise UsageError("the policy names more than one hub", hint=f"--hub {' or '.join(hubs)}")
    named = [origin_of(_address(host)) for host in hosts]
    own = not loaded.administered
    hub = hubs.get(url)
    if hub is None or set(named) - set(hub.hosts):
        if not own:
            return _refuse(loaded, url, hub)
        told = bool(given or hub or not url)  # a further host of one that is named; typed below
        hub = name_hub(url or _ask(), (*(hub.hosts if hub else ()), *named))
        _confirm(hub, told=told)
        remember(around, hub)
    token = around.environ.get("HF_TOKEN", "").strip()
    if not _TOKEN.fullmatch(token):
        raise UsageError("HF_TOKEN is no token", hint="letters, digits, '_', '-' and '.'")
    if token and endpoint and _address(endpoint) != hub.url:
        console.say(f"note: HF_TOKEN belongs to {printable(endpoint)}, and is not sent")
        token = ""
    return Choice(hub, token, own)


def name_hub(url: str, hosts: Sequence[str]) -> Hub:
    """A hub with these further hosts, each once."""
    return Hub(url, tuple(dict.fromkeys(host for host in hosts if host != origin_of(url))))


def remember(around: Surroundings, hub: Hub) -> None:
    """Write a hub into the user's own policy. Raises StateError, DocumentError."""
    path = make_private(around.places.config) / "policy.yaml"
    with locked(around.places.state, "policy"):
        write_whole(path, add_hub(read_small(path), hub))
    hosts = f" and {', '.join(hub.hosts)}" if hub.hosts else ""
    console.say(f"{show_path(path)}: this machine may fetch from {hub.url}{hosts}")


def _address(text: str) -> str:
    try:
        return parse_address(text) if text else ""
    except DocumentError as error:
        raise UsageError(error.message, hint=error.hint) from error


def _ask() -> str:
    return _address(console.ask("which hub may this machine fetch from (https://...)",
                                option="--hub"))  # fmt: skip


def _confirm(hub: Hub, *, told: bool) -> None:
    """Ask, unless the command line says it in so many words."""
    if told or console.confirm(f"fetch from {hub.url}, now and later?", option="--hub"):
        return
    raise UsageError("no hub was named, and nothing was asked of any", hint="--hub https://...")


def _refuse(loaded: LoadedPolicy, url: str, hub: Hub | None) -> Finding:
    policy = loaded.policy
    officer = policy.officer or "the administrator"
    if not policy.hubs:
        summary, evidence = "no staging host", f"the policy {policy.name} names no hub"
    elif hub:
        summary, evidence = "another host", f"the policy {policy.name} names {', '.join(hub.hosts)}"
    else:
        known = ", ".join(one.url for one in policy.hubs)
        summary, evidence = "another hub", f"{url}; the policy {policy.name} names {known}"
    remedy = f"fetch on a host that may, or ask {officer}; localai approve takes what you bring"
    return Finding(CHECK, Verdict.FAIL, summary, evidence, _WHY, remedy)
