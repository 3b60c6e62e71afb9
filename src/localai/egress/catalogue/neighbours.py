"""The probes of ``egress.probes.neighbours``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_CALL = ("seccomp", "namespaces")
_CONNECTION = ("seccomp", "landlock", "namespaces")
_RAW = ("seccomp", "capabilities", "account", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "mdns6": Explanation(
        "Asks mDNS's group ff02::fb for a name that is the nonce (RFC 6762).",
        "An IPv6 link has this group even where nobody has given it any address.",
        _CALL,
    ),
    "llmnr": Explanation(
        "Asks LLMNR's group 224.0.0.252 for a name that is the nonce (RFC 4795).",
        "Hosts on the link hear every name that is asked for, and anybody may answer.",
        _CALL,
        "Responder (SpiderLabs, 2012): a tool that answers such questions and is sent the askers'"
        " password hashes.",
    ),
    "llmnr6": Explanation(
        "Asks LLMNR's group ff02::1:3 for a name that is the nonce over IPv6.",
        "Whoever has switched LLMNR off for IPv4 may have left its twin on.",
        _CALL,
    ),
    "ssdp": Explanation(
        "Searches SSDP's group 239.255.255.250 for a device that is named as the nonce.",
        "Televisions, printers and routers listen to it, and many pass on what they are told.",
        _CALL,
        "CVE-2020-12695 (CallStranger, 2020): devices that are found in this way could be made to"
        " carry data past a network's controls.",
    ),
    "ssdp6": Explanation(
        "Searches SSDP's group of IPv6 for a device that is named as the nonce.",
        "The same devices listen, and fewer rules are written for IPv6.",
        _CALL,
    ),
    "udplite6": Explanation(
        "Sends the nonce in a UDP-Lite datagram over IPv6.",
        "Neither rules for UDP nor those for IPv4 match it.",
        _CALL,
    ),
    "icmp6-datagram": Explanation(
        "Sends the nonce in an IPv6 echo request by a ping socket.",
        "IPv6 does not work without ICMP, so that firewalls must let some of it through.",
        ("seccomp", "account", "namespaces"),
    ),
    "icmp6-raw": Explanation(
        "Sends the nonce in an IPv6 echo request by a raw socket.",
        "A raw socket can send every message of ICMPv6, those that move routes too.",
        _RAW,
    ),
    "metadata6": Explanation(
        "Connects to fd00:ec2::254, where a cloud serves a machine's credentials over IPv6.",
        "A rule that stops 169.254.169.254 does not know this address.",
        _CONNECTION,
    ),
}
