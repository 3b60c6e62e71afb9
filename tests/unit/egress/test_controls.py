"""Controls that become a program, end their process or hold it up, and what is made of them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from localai.egress.controls import Trials
from localai.egress.probes import PROBES
from localai.egress.probes.probe import Attempt, Probe, Target, number

NONCE = "5ec7e75"


def become_slow_program(target: Target, nonce: bytes) -> None:
    """Its process's own pipe closes long before the nonce is on its way."""
    pipe = os.dup2(number(target, "pipe"), 1)
    os.execv("/bin/sh", ["sh", "-c", f"sleep 0.2; echo {nonce.decode()} >&{pipe}"])


def crash(target: Target, nonce: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSYS)


def hang(target: Target, nonce: bytes) -> None:
    time.sleep(600)


def hang_afterwards(target: Target, nonce: bytes) -> None:
    os.write(number(target, "pipe"), nonce)
    time.sleep(600)


@pytest.fixture
def tried() -> Iterator[Callable[..., dict[str, Attempt]]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    received = bytearray()

    def drain() -> bytes:
        with contextlib.suppress(BlockingIOError):
            received.extend(os.read(reader, 1 << 12))
        return bytes(received)

    def run(*attempts: Callable[[Target, bytes], None], apart: bool = True) -> dict[str, Attempt]:
        ends = frozenset({-signal.SIGSYS})
        probes = [
            Probe(one.__name__, "", "instruments", one, ends if one is crash else frozenset(),
                  alone=True)
            for one in attempts
        ]  # fmt: skip
        nonces = {probe.name: f"{NONCE}{number}" for number, probe in enumerate(probes)}
        targets = {"instruments": {"pipe": writer}}
        trials = Trials(probes, targets, nonces, lambda: "", apart=apart)
        try:
            return trials.run(drain)
        finally:
            trials.end()

    yield run
    os.close(reader)
    os.close(writer)


def test_a_program_may_take_its_time(tried: Callable[..., dict[str, Attempt]]) -> None:
    assert tried(become_slow_program) == {"become_slow_program": Attempt()}


def test_a_crash_is_told_by_its_signal(tried: Callable[..., dict[str, Attempt]]) -> None:
    assert tried(crash) == {"crash": Attempt(error=-signal.SIGSYS)}


def test_what_never_returns_was_not_reported(tried: Callable[..., dict[str, Attempt]]) -> None:
    found = tried(hang, hang_afterwards, crash)
    assert found["hang"].failed == "it did not report"
    assert found["hang_afterwards"] == Attempt()
    assert found["crash"].error == -signal.SIGSYS


def say(target: Target, nonce: bytes) -> None:
    os.write(number(target, "pipe"), nonce)


def crash_at_once(target: Target, nonce: bytes) -> None:
    crash(target, nonce)


def test_what_may_end_the_process_comes_last(tried: Callable[..., dict[str, Attempt]]) -> None:
    found = tried(crash, say, apart=False)
    assert found == {"say": Attempt(), "crash": Attempt(error=-signal.SIGSYS)}


def test_what_comes_after_a_crash_was_never_tried(tried: Callable[..., dict[str, Attempt]]) -> None:
    """Or it would count as blocked, by the signal that ended the probe before it."""
    found = tried(crash_at_once, say, apart=False)
    assert found["crash_at_once"] == Attempt(error=-signal.SIGSYS)
    assert found["say"].failed == "it did not report"


def test_a_probe_that_a_kernel_may_end_has_a_process_to_itself() -> None:
    """Without the i386 calls (ia32_emulation=0) int 0x80 is SIGSEGV, also for the control."""
    assert [one.name for one in PROBES if min(one.closing, default=0) < 0 and not one.alone] == []
