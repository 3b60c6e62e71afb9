"""The probes of ``egress.probes.names``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_CALL = ("seccomp", "namespaces")
_CONNECTION = ("seccomp", "landlock", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "dns-stub": Explanation(
        "Sends a DNS query for NONCE.invalid to 127.0.0.53, where systemd-resolved listens.",
        "The resolver has the network: a query that stays on loopback is asked again outside.",
        _CALL,
    ),
    "dns-varlink": Explanation(
        "Has systemd-resolved look NONCE.invalid up, by its varlink socket.",
        "It is no DNS at all on this side: no port 53 and no network, only a local socket.",
        _CALL,
        "CVE-2017-9445 (2017): a name server's answer could write past the end of"
        " systemd-resolved's memory.",
    ),
    "dns-dbus": Explanation(
        "Has systemd-resolved look NONCE.invalid up, over the system's D-Bus.",
        "Any program that may speak to the bus can have a name asked for outside.",
        _CALL,
    ),
    "nscd": Explanation(
        "Has the name service cache look NONCE.invalid up, by its socket.",
        "The C library asks it before it makes a query itself, and the cache has the network.",
        _CALL,
        "CVE-2024-33599 (2024): a client's request could overflow the stack of nscd.",
    ),
    "proxy-http": Explanation(
        "Asks an HTTP proxy for a page of NONCE.invalid.",
        "Where only the proxy may leave the network, it fetches for everybody who can reach it.",
        _CONNECTION,
        "httpoxy (CVE-2016-5385 and others, 2016): a request's header became the variable"
        " HTTP_PROXY, and so the server's own requests went by a stranger's proxy.",
    ),
    "proxy-connect": Explanation(
        "Asks an HTTP proxy for a tunnel to NONCE.invalid (CONNECT).",
        "Inside a tunnel the proxy sees nothing but a name, and the name already carries data.",
        _CONNECTION,
    ),
    "proxy-socks": Explanation(
        "Asks a SOCKS 5 proxy for a connection to NONCE.invalid (RFC 1928).",
        "The proxy looks the name up itself: even a host without a name server gets names out.",
        _CONNECTION,
        "CVE-2023-38545 (2023): a host name that was too long for SOCKS 5 overflowed curl's"
        " memory.",
    ),
    "wpad": Explanation(
        "Sends a DNS query for wpad.NONCE.invalid, as browsers do that look for a proxy.",
        "The search asks one domain after the other, up to those that strangers own.",
        _CALL,
        "US-CERT alert TA16-144A (2016): queries for WPAD from inside companies reached public"
        " name servers, where anybody could have registered the names.",
    ),
    "pac": Explanation(
        "Asks a web server for a proxy's configuration with the nonce in the address.",
        "It looks like what every browser of a network does when it starts.",
        _CONNECTION,
        "CVE-2017-5384 (2017): Firefox told such a script whole addresses, secrets in them"
        " included, even where WPAD had brought the script.",
    ),
}
