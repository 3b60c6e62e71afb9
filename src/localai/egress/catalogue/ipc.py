"""The probes of ``egress.probes.ipc``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_SYSTEM_V = ("seccomp", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "sysv-queue": Explanation(
        "Puts the nonce into a System V message queue (msgsnd(2)).",
        "These objects have keys and no files: no rule about paths meets them.",
        _SYSTEM_V,
        "CVE-2021-22555 (2021): the exploit used such messages to shape the kernel's memory and"
        " left its container.",
    ),
    "sysv-shared": Explanation(
        "Writes the nonce into a System V shared memory segment (shmat(2)).",
        "After the attaching there are no more calls to filter: any amount flows by plain writes.",
        _SYSTEM_V,
        "CVE-2017-5669 (2017): shmat let a segment be attached at address zero, which the kernel"
        " keeps empty as a protection.",
    ),
    "sysv-semaphore": Explanation(
        "Sets the values of two System V semaphores to the nonce (semctl(2)).",
        "A semaphore is meant for waiting, but it holds 15 bits that another process can read.",
        _SYSTEM_V,
    ),
    "posix-queue": Explanation(
        "Puts the nonce into a POSIX message queue (mq_send(3)).",
        "Queues outlive their processes and have names that no ordinary listing shows.",
        ("seccomp", "landlock", "namespaces"),
        "CVE-2017-11176 (2017): a flaw in such a queue's notification let a process gain"
        " privileges.",
    ),
    "keyring": Explanation(
        "Puts a key that is called by the nonce into the keyring of another process (add_key(2)).",
        "A key needs neither a file nor a socket, no namespace hides a keyring, and whoever may"
        " look into it finds the key.",
        ("seccomp",),
        "CVE-2016-0728 (2016): joining a keyring over and over made any account root.",
    ),
}
