"""What counts as a defect: an exception, too much time, too much memory, a broken promise."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from localai.errors import DocumentError

SECONDS = 1.0  # of processor time for one input
MEMORY = 96 << 20  # bytes that the process may grow by, over all inputs: the reader's bound twice

Run = Callable[[bytes], None]


class Broken(AssertionError):
    """The code under test took too much, or gave what it promises never to give."""


def judged(run: Run, *, seconds: float = SECONDS, memory: int = MEMORY) -> Run:
    """``run``, raising Broken also where an input took too much time or memory."""
    before = _peak()

    def judge(data: bytes) -> None:
        began = time.thread_time()
        run(data)
        took, grew = time.thread_time() - began, _peak() - before
        if took > seconds:
            raise Broken(f"{took:.1f} s of processor time, more than {seconds}")
        if grew > memory:
            raise Broken(f"{grew >> 20} MiB of memory, more than {memory >> 20}")

    return judge


def hold_against(found: object, read: Callable[[], object]) -> None:
    """What a faster reader found, None where it leaves the input to the strict one, which is
    ``read``. Raises Broken if the two do not agree."""
    if found is None:
        return
    try:
        strict = read()
    except DocumentError as error:
        raise Broken(f"the strict reader refuses it: {error.message}") from error
    if found != strict:
        raise Broken(f"{found}, and the strict reader has {strict}")


@contextlib.contextmanager
def opened(data: bytes, hole: int = 0) -> Iterator[tuple[int, int]]:
    """``data`` as a file in memory with ``hole`` bytes of nothing behind it: descriptor, size."""
    fd = os.memfd_create("fuzz", os.MFD_CLOEXEC)
    try:
        size = len(data) + hole
        os.truncate(fd, size)
        os.pwrite(fd, data, 0)
        yield fd, size
    finally:
        os.close(fd)


def _peak() -> int:
    """The most memory that this program ever had, in bytes (proc_pid_status(5): in KiB). What
    getrusage(2) says begins with what its parent had."""
    lines = Path("/proc/self/status").read_bytes().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(b"VmHWM:"))
