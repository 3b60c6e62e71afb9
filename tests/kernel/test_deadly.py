"""After the probes: an attempt to leave ends the process, and only then."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable

import pytest

from localai.sandbox import kernel
from localai.sandbox.filters import launcher_filter, second_filter, third_filter
from localai.sandbox.seccomp import Filter, install

ATTEMPTS: dict[str, Callable[[], object]] = {
    "socket": lambda: kernel.syscall("socket", 2, 2, 0),
    "connect": lambda: kernel.syscall("connect", -1, None, 0),
    "execve": lambda: kernel.syscall("execve", b"/bin/true", None, None),
    "ptrace": lambda: kernel.syscall("ptrace", 0, 0, 0, 0),
    "io_uring_setup": lambda: kernel.syscall("io_uring_setup", 1, None),
}


def status_under(filters: list[Filter], work: Callable[[], object]) -> int:
    """The exit code of a child that does ``work`` under ``filters``; negative for a signal."""

    def confined() -> None:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        for one in filters:
            install(one)
        try:
            work()
        except OSError as error:
            os._exit(100 + (error.errno or 0))

    child = kernel.fork(confined)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_to_leave_is_deadly(name: str) -> None:
    assert status_under([second_filter(0, gpu=False), third_filter()], ATTEMPTS[name]) == (
        -signal.SIGSYS
    )


@pytest.mark.parametrize("name", ATTEMPTS)
def test_before_the_third_filter_it_is_denied(name: str) -> None:
    assert status_under([second_filter(0, gpu=False)], ATTEMPTS[name]) == 101


@pytest.mark.parametrize("name", ATTEMPTS)
def test_without_filters_it_reaches_the_kernel(name: str) -> None:
    assert status_under([], ATTEMPTS[name]) not in (101, -signal.SIGSYS)


def test_what_inference_does_is_not_deadly() -> None:
    def work() -> None:
        import threading

        thread = threading.Thread(target=os.getpid)
        thread.start()
        thread.join()

    assert status_under([second_filter(0, gpu=False), third_filter()], work) == 0


@pytest.mark.parametrize(("filters", "woken"), [([], True), ([second_filter(0, gpu=False)], False)])
def test_nobody_who_waits_in_the_same_library_is_woken(filters: list[Filter], woken: bool) -> None:
    """Everybody has the C library mapped: a place in it is a bell (FUTEX_WAKE in futex(2))."""
    import ctypes
    import threading

    bell = (ctypes.cast(kernel.libc.getpid, ctypes.c_void_p).value or 0) & ~4095
    holds = ctypes.c_uint32.from_address(bell).value
    patience = ctypes.create_string_buffer((1).to_bytes(8, "little") + bytes(8))
    heard: list[bool] = []

    def wait() -> None:
        try:
            kernel.syscall("futex", bell, 0, holds, patience)
            heard.append(True)
        except OSError:
            heard.append(False)

    def ring() -> None:
        import time

        for _ in range(80):
            kernel.syscall("futex", bell, 1, 1)
            time.sleep(0.01)

    listener = threading.Thread(target=wait)
    listener.start()
    status = status_under(filters, ring)
    listener.join()
    assert heard == [woken]
    assert status == (0 if woken else 100 + errno.EAGAIN)


def test_a_thread_can_still_be_waited_for() -> None:
    """pthread_join(3) waits as it would for another process's."""

    def work() -> None:
        import ctypes

        thread = ctypes.c_ulong()
        start = ctypes.cast(kernel.libc.getpid, ctypes.c_void_p)
        assert not kernel.libc.pthread_create(ctypes.byref(thread), None, start, None)
        assert not kernel.libc.pthread_join(thread, None)

    assert status_under([second_filter(0, gpu=False), third_filter()], work) == 0


@pytest.mark.parametrize("name", ["socket", "connect", "execve", "ptrace", "io_uring_setup"])
def test_the_launcher_is_denied_as_well(name: str) -> None:
    assert status_under([launcher_filter(0)], ATTEMPTS[name]) == 101


def test_the_launcher_starts_no_process_and_signals_none_but_its_worker() -> None:
    assert status_under([launcher_filter(1)], os.fork) == 101
    assert status_under([launcher_filter(1)], lambda: os.kill(os.getppid(), 0)) == 101
    assert status_under([launcher_filter(os.getpid())], lambda: os.kill(os.getppid(), 0)) == 0
