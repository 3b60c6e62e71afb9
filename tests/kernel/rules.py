"""The calls that the filters deny: which probe gets out if one of them alone is let through, or
why none does."""

from __future__ import annotations

from localai.sandbox.filters import KERNEL, MOUNTS, NETWORK, SHARED

WAYS = {
    "add_key": "keyring",
    "clone": "fork",
    "connect": "decoy-reconnect",
    "execve": "execute",
    "execveat": "execute-memory",
    "fcntl": "lock-range",
    "ioctl": "tiocsti",
    "kill": "signal",
    "openat": "write-new",
    "process_vm_readv": "vm-read",
    "process_vm_writev": "vm-write",
    "ptrace": "ptrace",
    "rt_sigqueueinfo": "signal-value",
    "socket": "socket-families",
}

_REASONS = {
    "needs a socket, which socket(2) would have to make": [
        name for name in NETWORK if name not in WAYS
    ],
    "needs an object, which another call would have to make or to find": [
        *(name for name in SHARED if name not in WAYS),
        *("io_uring_enter", "io_uring_register", "io_submit", "pidfd_getfd", "pidfd_send_signal",
          "process_madvise", "process_mrelease"),
    ],
    "makes an object and does nothing with it": ["io_uring_setup", "io_setup", "pidfd_open"],
    "moves or compares what a process has, and tells no other": [
        "kcmp", "move_pages", "migrate_pages"
    ],
    "is a second name of a call that has a probe": [
        "fork", "vfork", "clone3", "tkill", "tgkill", "rt_tgsigqueueinfo"
    ],
    "needs a capability that no worker and no launcher needs, or tells only its own process": [
        *KERNEL, *(name for name in MOUNTS if name not in KERNEL)
    ],
    "touches nothing outside its own process": [
        "mmap", "mprotect", "mremap", "prlimit64"
    ],
    "tells only whoever listens on this host, and no sink does: see test_deadly and test_filters": [
        "futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "prctl", "seccomp"
    ],
}  # fmt: skip
NOT_ALONE = {name: reason for reason, names in _REASONS.items() for name in names}
