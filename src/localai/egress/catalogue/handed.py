"""The probes of ``egress.probes.handed``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "receive-descriptor": Explanation(
        "Takes the descriptor that waits in a local socket left open (SCM_RIGHTS in unix(7)), and"
        " writes the nonce to it.",
        "Whoever holds one end of a local socket can be given files, pipes and sockets at any later"
        " time, whatever it could open itself.",
        ("seccomp", "descriptors"),
    ),
    "pass-descriptor": Explanation(
        "Lays the nonce into a pipe and hands the pipe over to another process (SCM_RIGHTS in"
        " unix(7)), in a message that says nothing itself.",
        "Nobody who reads what is sent over the socket sees what is handed over with it.",
        ("seccomp", "namespaces"),
    ),
}
