"""Nothing is sent to a host that the policy does not name, and a token goes to the hub alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from errands import CONTENT, Ask, Fetch

import hub as hubs
from localai.fetch.bring import Elsewhere, find_elsewhere
from localai.fetch.courier import Courier, make_environment
from localai.fetch.errand import Errand
from localai.fetch.guard import Elsewhere as Refused
from localai.fetch.guard import Guard
from localai.findings import Finding
from localai.hubs import Hub
from localai.store.held import Held, list_held

# The same process without the look at where a request goes.
OPEN = """
import runpy
from localai.fetch.guard import Guard
Guard.check = lambda self, request: None
runpy.run_module("localai.fetch", run_name="__main__")
"""


@pytest.fixture
def other() -> Iterator[hubs.Hub]:
    """Another host: it has the files, and counts who comes."""
    with hubs.running({"tiny.gguf": CONTENT}) as other:
        yield other


@pytest.fixture
def unguarded() -> Courier:
    command = (sys.executable, "-I", "-B", "-c", OPEN)
    return Courier(make_environment({}), lambda *_: None, command=command)


def test_files_from_a_host_that_nobody_named(
    fetch: Fetch, served: hubs.Hub, other: hubs.Hub, unguarded: Courier, store: Path
) -> None:
    """Without the look at it the very same answer leads there."""
    served.files_at = other.url
    assert fetch(token="hf_secret") == Elsewhere(other.url)
    assert other.seen == []
    assert list_held(store) == ()
    assert isinstance(fetch(courier=unguarded), Held)
    assert other.paths() == ["/lfs/tiny.gguf"]


def test_files_from_a_host_that_the_policy_names(
    fetch: Fetch, served: hubs.Hub, other: hubs.Hub
) -> None:
    """The token stays with the hub."""
    served.files_at = other.url
    held = fetch(hub=Hub(served.url, (other.url,)), token="hf_secret")
    assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
    assert other.paths() == ["/lfs/tiny.gguf"]
    assert not [one for one in other.seen if "authorization" in one.headers]
    assert all("authorization" in one.headers for one in served.seen)


def test_a_listing_from_elsewhere(
    ask: Ask, served: hubs.Hub, other: hubs.Hub, unguarded: Courier
) -> None:
    served.faults["api elsewhere"] = f"{other.url}/api/models/example/tiny"
    found = ask(token="hf_secret")
    assert isinstance(found, Finding) and found.summary == "another host"
    assert other.url in found.evidence
    assert other.seen == []
    assert not isinstance(ask(courier=unguarded), Finding)
    assert other.paths()


@pytest.mark.parametrize(
    ("origin", "named"),
    [("https://files.example", True), ("http://files.example", False), ("ftp://f.example", False)],
)
def test_only_what_a_policy_can_name_is_offered(origin: str, named: bool) -> None:
    where, hub = Elsewhere(origin), Hub("https://hub.example")
    assert where.can_be_named is named
    finding = find_elsewhere(where, hub)
    assert origin in finding.evidence
    assert ("--host" in finding.remedy) is named


@pytest.fixture
def guard() -> Guard:
    hub = Hub("https://hub.example/mirror", ("https://files.example:8443",))
    return Guard(Errand(hub.url, hub.origins, "example/tiny", False, "main"))


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example/",
        "https://hub.example:8443/",
        "https://files.example/",
        "https://hub.example.evil.example/",
        "https://hub.example@evil.example/",
        "https://evil.example/?https://hub.example",
        "https://127.0.0.1/",
    ],
)
def test_every_request_is_looked_at(guard: Guard, url: str) -> None:
    with pytest.raises(Refused):
        guard.check(httpx2.Request("GET", url))


def test_a_name_that_is_no_ascii(guard: Guard) -> None:
    """The client knows it under two names; the policy, and the resolver, under one."""
    url = "https://xn--mnchen-3ya.example"
    Guard(guard.errand._replace(url=url, origins=(url,))).check(httpx2.Request("GET", f"{url}/x"))
    with pytest.raises(Refused) as caught:
        guard.check(httpx2.Request("GET", "https://m\u00fcnchen.example/x"))
    assert caught.value.origin == url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://hub.example/mirror/x", True),
        ("https://hub.example/mirror", False),
        ("https://hub.example/mirrors/x", False),
        ("https://hub.example/mirror/../x", False),
        ("https://hub.example/mirror/%2e%2E/x", False),
        ("https://hub.example/mirror/..%2fx", False),
        ("https://hub.example/mirror/..;/x", False),
        ("https://hub.example/mirror/a..b?c=../", True),
        ("https://hub.example/x?/mirror/", False),
        ("https://files.example:8443/mirror/x", False),
    ],
)
def test_a_token_leaves_the_request(guard: Guard, url: str, kept: bool) -> None:
    request = httpx2.Request("GET", url, headers={"Authorization": "Bearer hf_secret"})
    guard.check(request)
    assert ("authorization" in request.headers) is kept


def test_what_is_inherited() -> None:
    """Of the shell's environment only the way through a proxy; no token, no switch, no home."""
    given = {
        "HF_TOKEN": "hf_secret",
        "HUGGING_FACE_HUB_TOKEN": "hf_secret",
        "HF_ENDPOINT": "https://other.example",
        "HF_HUB_DISABLE_TELEMETRY": "0",
        "HF_HOME": "/home/pat/.cache",
        "HOME": "/home/pat",
        "PYTHONPATH": "/home/pat",
        "LD_PRELOAD": "/home/pat/x.so",
        "AI_AGENT": "one",
        "https_proxy": "http://proxy.example:3128",
        "NO_PROXY": "hub.example",
        "REQUESTS_CA_BUNDLE": "/etc/ca.pem",
    }
    made = make_environment(given)
    changed = {name: made[name] for name in made.keys() & given.keys()}
    assert changed == {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": "/nonexistent",
        "HOME": "/nonexistent",
        "https_proxy": "http://proxy.example:3128",
        "NO_PROXY": "hub.example",
    }
    assert made["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert "hf_secret" not in "".join(made.values())
    assert make_environment({**given, "SSL_CERT_FILE": "/a"})["SSL_CERT_FILE"] == "/a"
