"""The probes of ``egress.probes.abi``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "io-uring-connect": Explanation(
        "Has the kernel make, connect and use a TCP socket from a ring of requests (io_uring(7)).",
        "None of socket(2), connect(2) and send(2) is ever called, so that a filter or a monitor"
        " of those calls sees nothing.",
        ("seccomp", "landlock", "namespaces"),
        "Curing (ARMO, April 2025): a demonstration rootkit that talked to its server by io_uring"
        " alone, unseen by monitors of system calls.",
    ),
    "io-uring-write": Explanation(
        "Has the kernel open a new file and write the nonce to it from a ring of requests.",
        "Neither openat(2) nor write(2) is ever called.",
        ("seccomp", "landlock", "rlimits", "namespaces"),
        "In June 2023 Google reported that 60 per cent of the kernel exploits sent to its reward"
        " programme had used io_uring, and switched it off on its servers.",
    ),
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
