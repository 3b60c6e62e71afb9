"""Hash many files at once: each file by one thread, the largest first, on all cores.

A SHA-256 of a whole file cannot be shared out (:mod:`localai.hashing`); many files can.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import NamedTuple

from localai.audit.cache import Key, key_of
from localai.errors import DocumentError
from localai.hashing import CHUNK, Digests, Progress, is_hollow, read_into, root_of
from localai.sealing import open_regular

_PIECE = 256 * 1024  # bytes read at once: a core's own cache holds them, and CHUNK is a multiple
_LOOK_EVERY_S = 0.1


class Task(NamedTuple):
    """A file to hash, as it was seen; ``tree``: its tree digest too."""

    path: Path
    key: Key
    tree: bool = False


def measure(
    tasks: Sequence[Task], report: Progress, threads: int | None = None
) -> dict[Task, Digests | DocumentError]:
    """The digests of each file, or why there are none: it is gone, may not be read, or changed.

    ``report`` is called in the caller's thread, which takes its share of the work, with the bytes
    hashed so far. An interruption or a failure in one thread ends all and is raised here.
    """
    shared = _Shared(tasks, report, threads or len(os.sched_getaffinity(0)))
    others = [
        threading.Thread(target=shared.work, args=(worker,))
        for worker in range(1, len(shared.done))
    ]
    for thread in others:
        thread.start()
    shared.work(0)
    for thread in others:
        shared.watch(thread)
    if shared.failures:
        raise shared.failures[0]
    report(sum(shared.done))
    return shared.answers


class _Shared:
    """What the threads of one measurement share. Number 0 is the caller's."""

    def __init__(self, tasks: Sequence[Task], report: Progress, threads: int) -> None:
        self._ordered = sorted(tasks, key=lambda task: task.key.size, reverse=True)
        self._numbers = count()  # next() on it is one step: every thread gets numbers of its own
        self._report = report
        self.answers: dict[Task, Digests | DocumentError] = {}
        self.failures: list[BaseException] = []
        self.done = [0] * max(1, min(threads, len(tasks)))

    def work(self, worker: int) -> None:
        """Hash one file after another, until there is none left."""
        buffer = memoryview(bytearray(_PIECE))

        def add(part: int) -> None:
            if self.failures:
                raise self.failures[0]
            self.done[worker] += part
            if not worker:
                self._report(sum(self.done))

        try:
            while not self.failures and (number := next(self._numbers)) < len(self._ordered):
                task = self._ordered[number]
                self.answers[task] = _measure_one(task, buffer, add)
        except BaseException as error:  # kept for the caller's thread, which raises it
            self.failures.append(error)

    def watch(self, thread: threading.Thread) -> None:
        """Wait for a thread that still reads, and report meanwhile."""
        while thread.is_alive():
            try:
                thread.join(_LOOK_EVERY_S)
                self._report(sum(self.done))
            except BaseException as error:  # the others end by it
                self.failures.append(error)


def _measure_one(task: Task, buffer: memoryview, add: Progress) -> Digests | DocumentError:
    try:
        file = open_regular(task.path)
    except DocumentError as error:
        return error
    try:
        seen = os.fstat(file.fd)
        if key_of(seen) != task.key:
            return _changed(task)
        if is_hollow(
            task.key.size, seen.st_blocks
        ):  # one such file would hold up an audit for days
            return DocumentError(
                f"nearly all of {task.path} is holes, so it was not hashed",
                hint="remove it: it is no whole model",
            )
        digests = _hash(file.fd, task, buffer, add)
        return digests if key_of(os.fstat(file.fd)) == task.key else _changed(task)
    except DocumentError as error:
        return error
    finally:
        os.close(file.fd)


def _hash(fd: int, task: Task, buffer: memoryview, add: Progress) -> Digests:
    """Both digests over the same bytes in memory."""
    size = task.key.size
    whole, leaf, leaves = sha256(), sha256(b"\x00"), list[bytes]()
    for offset in range(0, size, len(buffer)):
        piece = buffer[: min(len(buffer), size - offset)]
        read_into(fd, piece, offset)
        whole.update(piece)
        if task.tree:
            leaf.update(piece)
            end = offset + len(piece)
            if end % CHUNK == 0 or end == size:
                leaves.append(leaf.digest())
                leaf = sha256(b"\x00")
        add(len(piece))
    return Digests(size, whole.hexdigest(), root_of(leaves).hex() if task.tree else None)


def _changed(task: Task) -> DocumentError:
    return DocumentError(
        f"{task.path} changed while it was looked at",
        hint="wait until nothing writes to it, then audit again",
    )
