"""The probes of ``egress.probes.descriptors``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_OTHERS = ("seccomp", "landlock", "capabilities", "account", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "decoy-write": Explanation(
        "Writes the nonce to a connected socket that the launcher leaves open on purpose.",
        "An open socket needs no further permission: only closing it helps.",
        ("descriptors",),
        "CVE-2024-21626 (2024): runc left a descriptor of the host open, and a container left"
        " through it.",
    ),
    "decoy-reconnect": Explanation(
        "Dissolves the connection of a socket that was left open, connects it elsewhere and"
        " writes the nonce (connect(2), AF_UNSPEC).",
        "The socket stays in the network namespace where it was made, whichever its holder is in.",
        ("seccomp", "descriptors"),
    ),
    "steal-descriptor": Explanation(
        "Takes a pipe out of another process with pidfd_getfd(2) and writes the nonce to it.",
        "What another process of the same account has open, sockets too, can be used as one's own.",
        _OTHERS,
    ),
    "reopen-descriptor": Explanation(
        "Opens a pipe of another process by /proc/PID/fd and writes the nonce to it.",
        "This gets round the permissions of the directory in which the file lies.",
        _OTHERS,
        "CVE-2019-5736 (2019): a container opened the host's runc again by /proc and wrote over"
        " it.",
    ),
}
