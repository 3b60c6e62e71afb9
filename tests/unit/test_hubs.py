"""Addresses of hubs: what may be written into a policy, and what an origin is."""

from __future__ import annotations

import pytest

from localai.errors import DocumentError
from localai.hubs import Hub, origin_of, parse_address
from localai.settings import parse_settings


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://Hub.Example/", "https://hub.example"),
        (" https://hub.example:443 ", "https://hub.example"),
        ("https://hub.example:8443/api/mirror/", "https://hub.example:8443/api/mirror"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address(typed: str, address: str) -> None:
    assert parse_address(typed) == address == parse_address(address)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "hub.example",
        "ftp://hub.example",
        "http://hub.example",
        "http://localhost:80",  # a name: somebody would be asked
        "http://127.0.0.1.hub.example",
        "https://",
        "https://user:password@hub.example",
        "https://hub.example?x=1",
        "https://hub.example#x",
        "https://hub.example:99999",
        "https://hub.example/a b",
        "https://hüb.example",
        "https://[::1",
    ],
)
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(DocumentError):
        parse_address(typed)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://hub.example/a/b?c=d", "https://hub.example"),
        ("https://HUB.example:443/", "https://hub.example"),
        ("http://hub.example/", "http://hub.example"),
        ("https://hub.example:80/", "https://hub.example:80"),
        ("https://hub.example@evil.example/", "https://evil.example"),
        ("https://hub.example.evil.example/", "https://hub.example.evil.example"),
    ],
)
def test_an_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_a_hub_and_its_hosts() -> None:
    hub = Hub("https://hub.example/mirror", ("https://files.example",))
    assert hub.origins == ("https://hub.example", "https://files.example")
    assert hub.name == "hub.example/mirror"


@pytest.mark.parametrize(
    "hubs",
    [
        "[{url: http://hub.example}]",
        "[{url: https://hub.example/}]",
        "[{url: https://Hub.example}]",
        "[{url: https://hub.example}, {url: https://hub.example}]",
        "[{url: https://hub.example, hosts: [files.example]}]",
        "[{url: https://hub.example, hosts: [https://files.example/path]}]",
        "[{url: https://hub.example, hosts: [http://files.example]}]",
        "[{url: https://hub.example, token: secret}]",
        "[{hosts: [https://files.example]}]",
        "https://hub.example",
    ],
)
def test_a_policy_that_is_refused(hubs: str) -> None:
    with pytest.raises(DocumentError):
        parse_settings(f"schema: localai.policy/1\nname: own\nhubs: {hubs}\n".encode())
