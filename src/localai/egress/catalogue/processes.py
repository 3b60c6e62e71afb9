"""The probes of ``egress.probes.processes``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

_SIGNAL = ("seccomp", "landlock", "account", "namespaces")
_MEMORY = ("seccomp", "landlock", "capabilities", "account", "namespaces")
_PROGRAM = ("seccomp", "landlock", "namespaces")

EXPLANATIONS: Mapping[str, Explanation] = {
    "ptrace": Explanation(
        "Attaches to another process as a debugger does and writes the nonce into its memory.",
        "Whoever can do this can have the other process send anything.",
        _MEMORY,
        "CVE-2019-13272 (2019): a flaw in who may trace whom made an ordinary account root.",
    ),
    "vm-write": Explanation(
        "Writes the nonce into another process's memory with process_vm_writev(2).",
        "It changes another process without stopping it and without a debugger's traces.",
        _MEMORY,
    ),
    "vm-read": Explanation(
        "Reads a secret from another process's memory with process_vm_readv(2).",
        "Keys and passwords lie in the memory of programs that run under the same account.",
        _MEMORY,
        "CVE-2025-30066 (tj-actions, March 2025): the secrets of build jobs were read from the"
        " memory of another process on the same machine.",
    ),
    "proc-mem": Explanation(
        "Writes the nonce into another process's memory by /proc/PID/mem.",
        "It is ordinary file writing, which a filter of debugging calls does not see.",
        _MEMORY,
        "CVE-2012-0056 (Mempodipper, 2012): this file let any account write into a root process.",
    ),
    "read-environment": Explanation(
        "Reads the beginning of another process's environment (/proc/PID/environ in"
        " proc_pid_environ(5)).",
        "Programs are given their tokens and passwords there.",
        ("landlock", "capabilities", "account", "namespaces"),
        "In 2021 the altered uploader of Codecov sent the environments of its users' builds, with"
        " the tokens in them, to a stranger's server.",
    ),
    "read-open-file": Explanation(
        "Opens a file that another process holds, through /proc/PID/fd (proc_pid_fd(5)), and reads"
        " it.",
        "A file that was deleted, or that no path leads to any more, can still be read there.",
        ("landlock", "capabilities", "account", "namespaces"),
    ),
    "signal-value": Explanation(
        "Queues a signal whose value is the nonce to another process (rt_sigqueueinfo(2)).",
        "It carries a number to another process without any file, pipe or socket.",
        _SIGNAL,
    ),
    "signal-pidfd": Explanation(
        "Queues a signal whose value is the nonce by a process descriptor (pidfd_send_signal(2)).",
        "It is a second way to signal, and lists of calls older than Linux 5.1 do not have it.",
        _SIGNAL,
    ),
    "signal": Explanation(
        "Sends plain signals, one for each bit of the nonce that is set (kill(2)).",
        "Even a message without content says something by its number and its time.",
        _SIGNAL,
    ),
    "fork": Explanation(
        "Makes a child process, which writes the nonce to an open pipe.",
        "A child can outlive the worker and go on when nobody looks any more.",
        ("seccomp",),
    ),
    "execute": Explanation(
        "Becomes another program, a shell, which writes the nonce to an open pipe.",
        "A program from the disk brings whatever the worker lacks: a mail client, a downloader.",
        _PROGRAM,
        "CVE-2025-32434 (2025): PyTorch ran code from a model file even when it was told to load"
        " weights only.",
    ),
    "execute-memory": Explanation(
        "Becomes a program that lies in memory only (memfd_create(2), execveat(2)).",
        "There is no file that a scanner or an allowlist of paths could look at.",
        _PROGRAM,
        "Ezuri (AT&T Alien Labs, January 2021): malware for Linux that ran from a memfd and never"
        " wrote its program to disk.",
    ),
    "tiocsti": Explanation(
        "Puts the nonce into a terminal's input as if the user had typed it (TIOCSTI).",
        "What is typed there is carried out by the user's own shell, outside every layer.",
        ("seccomp",),
        "CVE-2017-5226 (2017): a program in bubblewrap typed commands into the shell that had"
        " started it.",
    ),
}
