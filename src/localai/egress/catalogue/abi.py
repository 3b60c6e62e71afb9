"""The probes of ``egress.probes.abi``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "int80": Explanation(
        "Calls the kernel by int 0x80, whose numbers are those of i386, and sends the nonce in a"
        " UDP datagram.",
        "A filter that compares numbers without asking for the architecture takes socketcall for"
        " another call.",
        ("seccomp", "namespaces"),
        "CVE-2009-0835 (2009): seccomp itself read such calls by the wrong table.",
    ),
    "x32": Explanation(
        "Calls the kernel by the numbers of x32 and sends the nonce in a UDP datagram.",
        "These calls have the architecture of x86_64 and only one more bit in their numbers, which"
        " a list of numbers to forbid does not match.",
        ("seccomp", "namespaces"),
        "CVE-2014-0038 (2014): a flaw in one call that existed for x32 only made any account root.",
    ),
}
