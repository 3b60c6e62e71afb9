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
from localai.hashing import CHUNK, Digests, Progress, read_into, root_of
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
    ordered = sorted(tasks, key=lambda task: task.key.size, reverse=True)
    numbers = count()  # next() on it is one step: every thread gets numbers of its own
    answers: dict[Task, Digests | DocumentError] = {}
    failures: list[BaseException] = []
    workers = min(threads or len(os.sched_getaffinity(0)), len(ordered))
    done = [0] * workers

    def work(worker: int) -> None:
        buffer = memoryview(bytearray(_PIECE))

        def add(part: int) -> None:
            if failures:
                raise failures[0]
            done[worker] += part
            if not worker:
                report(sum(done))

        try:
            while not failures and (number := next(numbers)) < len(ordered):
                answers[ordered[number]] = _measure_one(ordered[number], buffer, add)
        except BaseException as error:  # kept for the caller's thread, which raises it
            failures.append(error)

    def watch() -> None:
        """Where the caller's own share is done, and others still read."""
        try:
            for thread in others:
                while thread.is_alive() and not failures:
                    thread.join(_LOOK_EVERY_S)
                    report(sum(done))
        except BaseException as error:  # the others end by it, and it is raised below
            failures.append(error)

    others = [threading.Thread(target=work, args=(worker,)) for worker in range(1, workers)]
    for thread in others:
        thread.start()
    if workers:
        work(0)
    watch()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
    return answers


def _measure_one(task: Task, buffer: memoryview, add: Progress) -> Digests | DocumentError:
    try:
        file = open_regular(task.path)
    except DocumentError as error:
        return error
    try:
        if key_of(os.fstat(file.fd)) != task.key:
            return _changed(task)
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
