"""The probes of ``egress.probes.families``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "vsock": Explanation(
        "Connects a vsock socket to this very machine and sends the nonce (vsock(7)).",
        "It is how a virtual machine speaks to its host: no address, no route, no firewall.",
        ("seccomp",),
        "CVE-2021-26708 (2021): a race in these sockets made an ordinary account root.",
    ),
    "xdp": Explanation(
        "Puts a frame with the nonce into a ring that a network device sends from (AF_XDP).",
        "It goes past the kernel's whole network stack, its firewall included.",
        ("seccomp", "capabilities", "account", "namespaces"),
    ),
    "socket-families": Explanation(
        "Makes a socket of each family that the kernel has loaded, until one can be had.",
        "A list of forbidden families forgets some, and each is code that few have looked at.",
        ("seccomp",),
        "CVE-2017-6074 (2017): a flaw in DCCP, which hardly anybody uses, made any account root.",
    ),
}
