"""The four seccomp filters: three for the worker, one for the launcher.

Filters add up: the kernel takes the strictest answer of all that a process has put on itself.
The worker's *first* filter holds while libraries are imported and denies by list; the *second*
allows by list, and everything else fails; the *third* comes after the probes and kills whatever
still tries what no inference needs.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable

from localai.sandbox.seccomp import SECCOMP_SET_MODE_FILTER, Action, Condition, Filter, Rule

NETWORK = (
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4",
    "sendto", "sendmsg", "sendmmsg", "setsockopt", "shutdown",
)  # fmt: skip
PROGRAMS = ("execve", "execveat")
RINGS = ("io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit")
PROCESSES = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "kcmp", "move_pages", "migrate_pages",
)  # fmt: skip
SHARED = (
    "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semctl", "semtimedop",
    "shmget", "shmat", "shmctl", "shmdt", "mq_open", "mq_timedsend", "mq_timedreceive",
    "mq_unlink", "mq_notify", "mq_getsetattr", "add_key", "request_key", "keyctl",
)  # fmt: skip
KERNEL = (
    "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module",
    "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "sethostname",
    "setdomainname", "acct", "quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "iopl", "ioperm", "modify_ldt", "personality",
    "name_to_handle_at", "open_by_handle_at", "fanotify_init", "lookup_dcookie", "vhangup",
)  # fmt: skip
MOUNTS = (
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_tree", "open_tree_attr",
    "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
)  # fmt: skip

_CLONE_THREAD = 0x00010000
_TERMINAL_REQUESTS = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX put words in the user's mouth
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | 0o20000000  # __O_TMPFILE
_DESCRIPTOR_QUERIES = (0, 1, 2, 3, 1030, 1034)  # F_DUPFD GETFD SETFD GETFL DUPFD_CLOEXEC GET_SEALS
_NAME_MEMORY = 0x53564D41  # PR_SET_VMA
_OWN_MEMORY = 0x80  # FUTEX_PRIVATE_FLAG
# Ioctls of the NVIDIA kernel drivers: those of nvidia.ko have the "magic" byte 'F', those of
# nvidia-uvm are plain small numbers, and two that begin and end its work (uvm_linux_ioctl.h).
_NVIDIA_IOCTLS = ((0xFF00, 0x4600), (0xFFFFFF80, 0), (0xFFFFFFFC, 0x30000000))

# What Python and llama.cpp call between the last import and the last token. Nothing by which others
# could be told something: what a thread is called (PR_SET_NAME) and where it may run
# (sched_setaffinity) stands in /proc for everybody to read.
_NEEDED = (
    "read", "readv", "pread64", "write", "writev", "lseek", "close", "close_range",
    "fstat", "newfstatat", "statx", "fstatfs", "munmap", "madvise", "brk", "mlock", "munlock",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    "set_robust_list", "rseq",
    "membarrier", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "getcpu", "exit", "exit_group", "gettid", "getpid", "getppid", "getuid",
    "geteuid", "getgid", "getegid", "getrandom", "clock_gettime", "clock_getres",
    "clock_nanosleep", "nanosleep", "gettimeofday", "time", "poll", "ppoll", "select", "pselect6",
    "sysinfo", "getrusage", "uname", "getrlimit", "get_mempolicy",
    "readlink", "readlinkat", "getcwd", "access", "faccessat", "faccessat2",
    "fadvise64", "setitimer",
)  # fmt: skip


def deny(names: Iterable[str], action: Action = Action.DENY) -> tuple[Rule, ...]:
    return tuple(Rule(name, action) for name in names)


def _threads_only() -> tuple[Rule, ...]:
    """New threads, no new processes. clone3's flags lie in memory where no filter can see them:
    answering "no such call" makes the C library fall back to clone."""
    thread = Condition(0, _CLONE_THREAD, _CLONE_THREAD)
    return (
        Rule("clone", Action.ALLOW, (thread,)),
        *deny(("clone", "fork", "vfork")),
        Rule("clone3", Action.ABSENT),
    )


def _wake_only_itself() -> tuple[Rule, ...]:
    """Waiting and waking within this process. Without the flag whoever has the same file mapped, as
    everybody has the C library, is woken too, whatever account and namespace he is in (futex(2)).

    pthread_join(3) waits without it: told to try again, it does until the thread is gone. The newer
    calls have that flag in memory, or nobody calls them."""
    newer = ("futex_waitv", "futex_wait", "futex_wake", "futex_requeue")
    return (
        Rule("futex", Action.ALLOW, (Condition(1, _OWN_MEMORY, _OWN_MEMORY),)),
        Rule("futex", Action.AGAIN),
        *deny(newer, Action.ABSENT),
    )


def _no_typing() -> tuple[Rule, ...]:
    """Whatever terminals are for, but for putting words into them."""
    typing = (Condition(1, 0xFFFFFFFF, request) for request in _TERMINAL_REQUESTS)
    return (
        *(Rule("ioctl", Action.DENY, (one,)) for one in typing),
        Rule("ioctl", Action.ALLOW),
    )


def first_filter(*, programs: bool = False) -> Filter:
    """While the worker imports: no network, no program, no other process, no shared memory.

    With ``programs`` for a guest: a command that is to be started (Landlock says which)."""
    started = () if programs else PROGRAMS
    denied = deny((*NETWORK, *started, *RINGS, *PROCESSES, *SHARED, *KERNEL, "kill"))
    return Filter(Action.ALLOW, (*denied, *_no_typing(), *_threads_only()))


def second_filter(pid: int, *, gpu: bool) -> Filter:
    """While the worker holds a model: only what inference calls.

    ``pid`` is the worker's own, in its own namespace: abort(3) may signal that, and nothing else.
    ``gpu`` adds what a GPU driver's library needs: its ioctls, opening its devices for writing.
    """
    read_only = Condition(2, _WRITING, 0)
    no_code = Condition(2, mmap.PROT_EXEC, 0)
    rules = [
        *(Rule(name, Action.ALLOW) for name in _NEEDED),
        *_threads_only(),
        *_wake_only_itself(),
        Rule("mmap", Action.ALLOW, (no_code,)),
        Rule("mprotect", Action.ALLOW, (no_code,)),
        Rule("mremap", Action.ALLOW),
        Rule("tgkill", Action.ALLOW, (Condition(0, 0xFFFFFFFF, pid),)),
        *(Rule("fcntl", Action.ALLOW, (Condition(1, 0xFFFFFFFF, q),)) for q in _DESCRIPTOR_QUERIES),
        Rule("prctl", Action.ALLOW, (Condition(0, 0xFFFFFFFF, _NAME_MEMORY),)),
        # Filters only ever add up, and one more is to come.
        Rule("seccomp", Action.ALLOW, (Condition(0, 0xFFFFFFFF, SECCOMP_SET_MODE_FILTER),)),
        # Reading the limits of oneself: a new value (third argument) must be absent.
        Rule("prlimit64", Action.ALLOW, (Condition(2, 0xFFFFFFFF, 0, narrow=False),)),
    ]  # fmt: skip
    if gpu:
        nvidia = (Condition(1, mask, value) for mask, value in _NVIDIA_IOCTLS)
        rules += [Rule("ioctl", Action.ALLOW, (one,)) for one in nvidia]
        rules.append(Rule("openat", Action.ALLOW))
        rules += [Rule(name, Action.ALLOW) for name in ("getdents64", "eventfd2", "mbind")]
    else:
        rules.append(Rule("openat", Action.ALLOW, (read_only,)))
    return Filter(Action.DENY, tuple(rules))


def third_filter() -> Filter:
    """After the probes: an attempt to leave ends the worker at once. No filter follows, and one of
    the worker's own could have each call written to the host's log (SECCOMP_RET_LOG)."""
    deadly = (*NETWORK, *PROGRAMS, *RINGS, *PROCESSES, "fork", "vfork")
    rules = (*deny(deadly, Action.KILL), *deny(("seccomp",)))
    return Filter(Action.ALLOW, rules, foreign=Action.KILL)


def launcher_filter(worker: int) -> Filter:
    """After the start: the launcher gives up every network, every program, every process but
    ``worker``, which it may still end."""
    denied = (*NETWORK, *PROGRAMS, *RINGS, *PROCESSES, *SHARED, *KERNEL, *MOUNTS)
    return Filter(
        Action.ALLOW,
        (
            *deny(denied),
            *_no_typing(),
            *_threads_only(),
            Rule("kill", Action.ALLOW, (Condition(0, 0xFFFFFFFF, worker),)),
            Rule("kill", Action.DENY),
        ),
    )
