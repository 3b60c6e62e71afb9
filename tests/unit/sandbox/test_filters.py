"""The four filters, decided by an interpreter for both architectures; the kernel tests have the
real thing for the one that they run on."""

from __future__ import annotations

import mmap
import os

import pytest
from bpf import decide

from localai.sandbox import filters
from localai.sandbox.seccomp import Action, Condition, Filter, Rule, compile_filter
from localai.sandbox.syscalls import AUDIT_ARCH, NAMES, numbers

MACHINES = ["x86_64", "aarch64"]
PID = 4711
THREAD = 0x003D0F00  # the flags of pthread_create
I386 = 0x40000003
ALL = {
    "first": filters.first_filter(),
    "second": filters.second_filter(PID, gpu=False),
    "second-gpu": filters.second_filter(PID, gpu=True),
    "third": filters.third_filter(),
    "launcher": filters.launcher_filter(PID),
}


def ask(name: str, machine: str, call: str, *arguments: int) -> Action:
    program = compile_filter(ALL[name], machine)
    return decide(program, AUDIT_ARCH[machine], numbers(machine)[call], arguments)


def calls(machine: str) -> dict[str, int]:
    return numbers(machine)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ALL)
def test_another_abi_never_passes(name: str, machine: str) -> None:
    program = compile_filter(ALL[name], machine)
    refused = {Action.DENY, Action.KILL}
    other = AUDIT_ARCH["aarch64" if machine == "x86_64" else "x86_64"]
    for architecture in (I386, other, 0):
        assert decide(program, architecture, 0) in refused
    if machine == "x86_64":
        for number in (0x40000000, 0x40000000 | 41, 0xFFFFFFFF):
            assert decide(program, AUDIT_ARCH[machine], number) in refused


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["first", "second", "second-gpu", "third", "launcher"])
def test_no_filter_lets_a_way_out_pass(name: str, machine: str) -> None:
    ways = (*filters.NETWORK, *filters.PROGRAMS, *filters.RINGS, *filters.PROCESSES)
    for call in ways:
        if call in calls(machine):
            assert ask(name, machine, call) is not Action.ALLOW, call


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["second", "second-gpu"])
def test_the_second_filter_denies_what_it_does_not_know(name: str, machine: str) -> None:
    for call in (*filters.SHARED, *filters.KERNEL, *filters.MOUNTS, "kill", "memfd_create"):
        if call in calls(machine):
            assert ask(name, machine, call) is Action.DENY, call
    program = compile_filter(ALL[name], machine)
    for number in (999, 0x3FFFFFFF):
        assert decide(program, AUDIT_ARCH[machine], number) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["first", "second", "launcher"])
def test_threads_may_start_and_processes_may_not(name: str, machine: str) -> None:
    assert ask(name, machine, "clone", THREAD) is Action.ALLOW
    assert ask(name, machine, "clone", 17) is Action.DENY  # SIGCHLD: fork
    assert ask(name, machine, "clone", 0x4011) is Action.DENY  # vfork
    assert ask(name, machine, "clone3") is Action.ABSENT
    if machine == "x86_64":
        assert ask(name, machine, "fork") is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_no_memory_becomes_code(machine: str) -> None:
    for call in ("mmap", "mprotect"):
        for protection in range(8):
            executable = bool(protection & mmap.PROT_EXEC)
            expected = Action.DENY if executable else Action.ALLOW
            assert ask("second", machine, call, 0, 4096, protection) is expected


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "flags",
    [os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_TMPFILE, os.O_RDWR | os.O_CLOEXEC],
)
def test_files_open_for_reading_only(machine: str, flags: int) -> None:
    assert ask("second", machine, "openat", 0, 0, os.O_RDONLY | os.O_CLOEXEC) is Action.ALLOW
    assert ask("second", machine, "openat", 0, 0, flags) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_abort_may_end_the_worker_and_nobody_else(machine: str) -> None:
    assert ask("second", machine, "tgkill", PID, PID, 6) is Action.ALLOW
    assert ask("second", machine, "tgkill", PID + 1, PID, 6) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_limits_can_be_read_and_not_set(machine: str) -> None:
    assert ask("second", machine, "prlimit64", 0, 3, 0, 0x7000) is Action.ALLOW
    for pointer in (0x7000, 0x7000_0000_0000, 1 << 32):
        assert ask("second", machine, "prlimit64", 0, 3, pointer, 0) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_only_a_gpus_own_ioctls_pass_and_only_where_there_is_one(machine: str) -> None:
    uvm_initialize, uvm_map = 0x30000001, 33
    for nvidia in (0xC028462A, uvm_initialize, uvm_map):
        assert ask("second", machine, "ioctl", 3, nvidia) is Action.DENY
        assert ask("second-gpu", machine, "ioctl", 3, nvidia) is Action.ALLOW
    for other in (0x5412, 0x541C, 0x5401, 0x8912):  # TIOCSTI, TIOCLINUX, TCGETS, SIOCGIFCONF
        assert ask("second-gpu", machine, "ioctl", 3, other) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_the_third_filter_kills_what_tries_to_leave(machine: str) -> None:
    for call in ("socket", "connect", "execve", "ptrace", "io_uring_setup"):
        assert ask("third", machine, call) is Action.KILL
    assert ask("third", machine, "read") is Action.ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_once_it_has_its_last_filter_a_worker_adds_none(machine: str) -> None:
    assert ask("second", machine, "seccomp", 1, 1) is Action.ALLOW
    assert ask("third", machine, "seccomp", 1, 1) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["second", "second-gpu"])
def test_nobody_else_is_woken_and_nothing_is_shown_to_others(name: str, machine: str) -> None:
    for operation in (0x80, 0x81, 0x189):  # WAIT, WAKE, WAIT_BITSET by the clock; all private
        assert ask(name, machine, "futex", 0x7000, operation) is Action.ALLOW
        assert ask(name, machine, "futex", 0x7000, operation & ~0x80) is Action.AGAIN
    for newer in ("futex_wait", "futex_wake", "futex_waitv", "futex_requeue"):
        assert ask(name, machine, newer) is Action.ABSENT
    assert ask(name, machine, "prctl", 15) is Action.DENY  # PR_SET_NAME
    for call in ("sched_setaffinity", "set_tid_address"):
        assert ask(name, machine, call) is Action.DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_the_launcher_may_end_its_worker_and_nobody_else(machine: str) -> None:
    assert ask("launcher", machine, "kill", PID, 9) is Action.ALLOW
    assert ask("launcher", machine, "kill", PID + 1, 9) is Action.DENY
    assert ask("launcher", machine, "ioctl", 0, 0x5412) is Action.DENY  # TIOCSTI
    assert ask("launcher", machine, "ioctl", 0, 0x541C) is Action.DENY  # TIOCLINUX
    assert ask("launcher", machine, "ioctl", 0, 0x5401) is Action.ALLOW  # TCGETS: line editing


def test_every_name_is_a_system_call_somewhere() -> None:
    named = {rule.name for asked in ALL.values() for rule in asked.rules}
    assert named <= NAMES


def test_the_first_rule_that_matches_decides() -> None:
    asked = Filter(
        Action.DENY,
        (
            Rule("kill", Action.ALLOW, (Condition(0, 0xFF, 7), Condition(1, 0xFFFFFFFF, 9))),
            Rule("kill", Action.KILL, (Condition(0, 0xFF, 7),)),
        ),
    )
    program = compile_filter(asked, "x86_64")
    kill = numbers("x86_64")["kill"]

    def answer(*arguments: int) -> Action:
        return decide(program, AUDIT_ARCH["x86_64"], kill, arguments)

    assert answer(7, 9) is Action.ALLOW
    assert answer(0x107, 9) is Action.ALLOW  # masked
    assert answer(7, 10) is Action.KILL
    assert answer(8, 9) is Action.DENY


def test_an_unknown_call_is_a_mistake_that_shows() -> None:
    program = compile_filter(Filter(Action.DENY, (Rule("sokcet", Action.ALLOW),)), "x86_64")
    assert all(k != Action.ALLOW for _, _, _, k in program)
