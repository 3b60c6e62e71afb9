"""The probes of ``egress.probes.spools``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_PATHS = ("seccomp", "landlock", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "cron-spool": Explanation(
        "Leaves a crontab with the nonce in the directory of cron's spool, where a stand-in lies.",
        "Whatever lies there is run, outside of every layer and for as long as the host lives.",
        _PATHS,
    ),
    "at-spool": Explanation(
        "Leaves a script with the nonce in the directory of at's spool, where a stand-in lies.",
        "It is run once the worker is long gone, and nothing ties the two together any more.",
        _PATHS,
    ),
    "mail-spool": Explanation(
        "Leaves a letter with the nonce among the mailboxes of this host, where a stand-in lies.",
        "Mailboxes are read over the network, and forwarded.",
        _PATHS,
    ),
    "mail-queue": Explanation(
        "Leaves a letter with the nonce in the queue of the mail service, where a stand-in lies.",
        "The service sends what is queued to any address in the world.",
        _PATHS,
    ),
    "print-spool": Explanation(
        "Leaves a job with the nonce in the directory of the print service, where a stand-in lies.",
        "The printer may stand in another building, and keeps what it printed.",
        _PATHS,
    ),
    "network-folder": Explanation(
        "Leaves a file with the nonce where the desktop mounts shares of the network (gvfs), and a"
        " stand-in lies.",
        "A program that never opens a socket sends whatever it writes there.",
        _PATHS,
    ),
    "synced-folder": Explanation(
        "Leaves a file with the nonce in the folder of a synchronising client, where a stand-in"
        " lies.",
        "The client uploads it on its own, over a connection that everybody expects.",
        _PATHS,
    ),
    "kmsg": Explanation(
        "Writes a line with the nonce to the kernel's log (/dev/kmsg), where a stand-in lies.",
        "Log collectors forward the kernel's words like all others.",
        _PATHS,
    ),
    "core-pattern": Explanation(
        "Names a program with the nonce for the kernel to start at the next crash (core(5)), at a"
        " stand-in for /proc/sys/kernel/core_pattern.",
        "The kernel starts it as root, outside of every namespace and every filter.",
        _PATHS,
        "CVE-2025-31133 (2025): runc could be made to leave this file writable to a container.",
    ),
}
