"""The victim notes what reaches it, whoever looks meanwhile and whoever else sends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localai.egress.probes.processes import FIRST_BIT, kill_bits
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
