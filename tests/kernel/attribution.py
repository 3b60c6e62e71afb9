"""Which layers stop which probe on their own: measured, as root with namespaces, Landlock 7.

For an ordinary user ``account`` stops nothing, since the worker keeps the user's own.
"""

from __future__ import annotations

_STOPPED_BY = {
    "seccomp": "fork tiocsti",
    "descriptors": "decoy-write",
    "seccomp descriptors": "decoy-reconnect",
    "seccomp namespaces": """
        udp4 udp6 udp-connected udp-sendmsg udp-sendmmsg udplite mptcp fastopen broadcast multicast
        dns-datagram dns-libc unix-stream unix-datagram netlink int80 set-attribute
        sysv-queue sysv-shared sysv-semaphore""",
    "seccomp landlock namespaces": """
        tcp4 tcp6 fastopen-connect dns-stream metadata unix-seqpacket abstract-stream
        abstract-datagram io-uring-connect execute execute-memory write-fifo write-shm
        make-directory make-symlink make-hard-link make-fifo make-socket-file rename posix-queue""",
    "seccomp landlock rlimits namespaces": """
        io-uring-write write-new write-existing append truncate""",
    "seccomp account namespaces": "icmp-datagram change-mode change-times",
    "seccomp capabilities account namespaces": "icmp-raw raw-ip packet",
    "seccomp landlock account namespaces": "signal-value signal-pidfd signal",
    "seccomp landlock capabilities account namespaces": """
        steal-descriptor reopen-descriptor ptrace vm-write vm-read proc-mem""",
    "landlock account namespaces": "read-home",
    "landlock namespaces": "read-file",
}
STOPPED_BY = {
    probe: frozenset(layers.split())
    for layers, probes in _STOPPED_BY.items()
    for probe in probes.split()
}
NOWHERE = frozenset({"x32"})  # no distribution's kernel has it switched on

# What is left to one layer alone while all others hold: a probe that only it stops.
ONLY_STOPPED_BY = {
    layer: frozenset(probe for probe, layers in STOPPED_BY.items() if layers == {layer})
    for layer in ("seccomp", "landlock", "capabilities", "account", "rlimits", "descriptors",
                  "namespaces")
}  # fmt: skip
