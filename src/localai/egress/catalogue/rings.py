"""The probes of ``egress.probes.rings``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "io-uring-socket": Explanation(
        "Has the kernel make a UDP socket from a ring of requests (io_uring(7)), and sends the"
        " nonce by an ordinary call.",
        "A filter that forbids socket(2) and takes whoever has no socket for harmless is passed.",
        ("seccomp", "namespaces"),
    ),
    "io-uring-connect": Explanation(
        "Has the kernel make, connect and use a TCP socket from a ring of requests (io_uring(7)).",
        "None of socket(2), connect(2) and send(2) is ever called, so that a filter or a monitor"
        " of those calls sees nothing.",
        ("seccomp", "landlock", "namespaces"),
        "Curing (ARMO, April 2025): a demonstration rootkit that talked to its server by io_uring"
        " alone, unseen by monitors of system calls.",
    ),
    "io-uring-send": Explanation(
        "Has the kernel make a UDP socket and send the nonce from a ring of requests.",
        "A datagram needs no connection, and none of the calls that send one is ever made.",
        ("seccomp", "namespaces"),
    ),
    "io-uring-openat": Explanation(
        "Has the kernel open a file that anybody may read from a ring of requests, and reads it.",
        "No openat(2) is ever called: whoever watches it, or forbids it, sees no file opened.",
        ("seccomp", "landlock", "namespaces"),
    ),
    "io-uring-write": Explanation(
        "Has the kernel open a new file and write the nonce to it from a ring of requests.",
        "Neither openat(2) nor write(2) is ever called.",
        ("seccomp", "landlock", "rlimits", "namespaces"),
        "In June 2023 Google reported that 60 per cent of the kernel exploits sent to its reward"
        " programme had used io_uring, and switched it off on its servers.",
    ),
}
