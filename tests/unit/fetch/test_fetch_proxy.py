"""Through a proxy that asks for a password and looks into what passes, as agencies have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from errands import CONTENT, REFERENCE, Ask, Fetch

import hub as hubs
import proxy as proxies
from localai.errors import HubError
from localai.fetch.bring import look
from localai.fetch.courier import Courier, make_environment
from localai.fetch.listing import Listing
from localai.hubs import Hub
from localai.store.held import Held


@pytest.fixture
def authority(tmp_path: Path) -> proxies.Authority:
    """The agency's own: the proxy's certificates come from it."""
    return proxies.make_authority(tmp_path, "agency")


@pytest.fixture
def proxy(authority: proxies.Authority) -> Iterator[proxies.Proxy]:
    with proxies.running(authority) as proxy:
        yield proxy


@pytest.fixture
def served(tmp_path: Path) -> Iterator[hubs.Hub]:
    """A hub with a certificate that nothing here trusts: whoever reaches it came by the proxy."""
    context = proxies.make_authority(tmp_path, "outside").context()
    with hubs.running({"tiny.gguf": CONTENT}, context) as hub:
        yield hub


def courier_with(**environ: str) -> Courier:
    return Courier(make_environment(environ), lambda *_: None)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_it_comes_through(
    fetch: Fetch,
    served: hubs.Hub,
    proxy: proxies.Proxy,
    authority: proxies.Authority,
    variable: str,
    name: str,
) -> None:
    courier = courier_with(**{variable: str(authority.ca), name: proxy.url})
    held = fetch(courier=courier, token="hf_secret")
    assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
    assert {*proxy.asked} == {f"127.0.0.1:{served.server_port}"}
    # It really looked into it; its own password went no further than to itself.
    assert b"HEAD /example/tiny/resolve/" in proxy.read
    assert proxies.PASSWORD.encode() not in proxy.read
    assert not [one for one in served.seen if "proxy-authorization" in one.headers]


def test_an_authority_that_nobody_named(ask: Ask, served: hubs.Hub, proxy: proxies.Proxy) -> None:
    with pytest.raises(HubError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        ask(courier=courier_with(HTTPS_PROXY=proxy.url))
    assert "SSL_CERT_FILE" in caught.value.hint
    assert served.seen == []
    assert len(proxy.asked) == 1  # a second look would see the same certificate


def test_a_wrong_password(
    ask: Ask, served: hubs.Hub, proxy: proxies.Proxy, authority: proxies.Authority
) -> None:
    wrong = proxy.url.replace(proxies.PASSWORD, "wr0ng")
    with pytest.raises(HubError, match="the proxy does not let this through") as caught:
        ask(courier=courier_with(HTTPS_PROXY=wrong, SSL_CERT_FILE=str(authority.ca)))
    assert "wr0ng" not in f"{caught.value.message} {caught.value.hint}"
    assert proxy.refused and served.seen == []


def test_a_certificate_file_that_is_not_there(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="certificates cannot be read: No such file"):
        ask(courier=courier_with(SSL_CERT_FILE=str(tmp_path / "gone.pem")))


@pytest.mark.parametrize("scheme", ["socks5", "ftp"])
def test_a_proxy_that_is_none(ask: Ask, scheme: str) -> None:
    """What stands in its address is nobody's to see."""
    with pytest.raises(HubError, match="proxy's address") as caught:
        ask(courier=courier_with(HTTPS_PROXY=f"{scheme}://pat:s3cret@127.0.0.1:1"))
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


def test_past_the_proxy(
    ask: Ask, served: hubs.Hub, proxy: proxies.Proxy, authority: proxies.Authority
) -> None:
    """NO_PROXY counts, and then the hub's own certificate does."""
    environ = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1",
               "SSL_CERT_FILE": str(authority.ca)}  # fmt: skip
    with pytest.raises(HubError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(hub=Hub(served.url), courier=courier_with(**environ))
    assert proxy.asked == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_hub_on_this_machine_is_asked_by_no_proxy(
    tmp_path: Path, proxy: proxies.Proxy, variable: str
) -> None:
    """Without encryption: whoever looks at such a proxy would have the token."""
    environment = {**make_environment({}), variable: proxy.url}
    with hubs.running({"tiny.gguf": CONTENT}) as hub:
        courier = Courier(environment, lambda *_: None, patience_s=20)
        found = look(courier, Hub(hub.url), REFERENCE, "hf_secret")
        assert isinstance(found, Listing)
        assert hub.seen[0].headers["authorization"] == "Bearer hf_secret"
    assert (proxy.asked, proxy.refused) == ([], 0)
