"""The victim notes what reaches it, whoever looks meanwhile and whoever else sends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localai.egress.probes import processes
from localai.egress.probes.processes import FIRST_BIT, kill_bits, ptrace_poke
from localai.egress.victim import Victim
from localai.sandbox import kernel

ONE, OTHER = "fedcba9", "1234567"


@pytest.fixture
def victim() -> Iterator[Victim]:
    victim = Victim(pipe=0, file=0, secret="5ec7e75", environment="e4714e5")
    yield victim
    victim.end()


def bits_of(nonce: str) -> list[int]:
    return [bit for bit in range(28) if int(nonce, 16) >> bit & 1]


def test_a_look_in_the_middle_loses_nothing(victim: Victim) -> None:
    bits = bits_of(ONE)
    for bit in bits[:9]:
        os.kill(victim.pid, FIRST_BIT + bit)
    assert ONE.encode() not in victim.drain()
    for bit in bits[9:]:
        os.kill(victim.pid, FIRST_BIT + bit)
    assert ONE.encode() in victim.drain()


def test_senders_do_not_mix(victim: Victim) -> None:
    bits = bits_of(ONE)
    for bit in bits[:9]:
        os.kill(victim.pid, FIRST_BIT + bit)
    target = victim.target()
    child = kernel.fork(lambda: kill_bits(target, OTHER.encode()))
    os.waitpid(child, 0)
    for bit in bits[9:]:
        os.kill(victim.pid, FIRST_BIT + bit)
    seen = victim.drain()
    assert ONE.encode() in seen
    assert OTHER.encode() in seen


def test_its_environment_is_not_ours(victim: Victim) -> None:
    shown = Path(f"/proc/{victim.pid}/environ").read_bytes()
    assert victim.had_environment
    assert shown.startswith(b"e4714e5\0")
    assert b"e4714e5" not in Path("/proc/self/environ").read_bytes()


def test_what_nobody_sent_is_not_there(victim: Victim) -> None:
    assert not victim.drain().strip(b"\0\1")


def give_up_tracing(victim: Victim, *requests: int) -> None:
    """A tracer that ends before the victim stopped, as on a processor that others use as well."""

    def trace() -> None:
        for request in requests:
            kernel.syscall("ptrace", request, victim.pid, 0, 0)
        os._exit(0)

    assert os.waitpid(kernel.fork(trace), 0)[1] == 0


def test_a_tracer_that_gives_up_leaves_it_as_it_was(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_STOPPING_S", 0)
    give_up_tracing(victim, processes._PTRACE_SEIZE, processes._PTRACE_INTERRUPT)
    victim.drain()
    for _ in range(50):
        child = kernel.fork(lambda: quietly(lambda: ptrace_poke(victim.target(), b"abcdefg")))
        os.waitpid(child, 0)
        victim.drain()


def quietly(act: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        act()


def test_one_that_sends_a_stop_would_have_stopped_it(victim: Victim) -> None:
    give_up_tracing(victim, 16)  # PTRACE_ATTACH
    with pytest.raises(TimeoutError, match="does not answer"):
        victim.drain()
