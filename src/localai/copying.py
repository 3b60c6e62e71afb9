"""Copy an artifact into memory in a process of its own, while the launcher still gets ready; what
nobody can change where it lies is only hashed there.

The process is a fork of the launcher: as hidden as that, with the same empty memory to fill. It
is told nothing and tells how far it is and what it wrote. If memory runs out after all, the
kernel ends it and not the launcher.

The gates judge what the launcher read of the file's header before. Whoever can write to the file
could have shown it another one then: the header of what was hashed must be the same.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from localai.errors import DocumentError, LocalAIError, PlatformError, StateError
from localai.gguf.cursor import reads_alike
from localai.gguf.facts import GgufFile
from localai.hardware import find_free_memory
from localai.hashing import Progress, digest_file
from localai.sandbox import kernel
from localai.sealing import OpenFile, copy_and_hash

_PLENTY = 4  # a file that is less than this part of the free memory may stay in the page cache
_POLITE = 5  # what the launcher and the worker still do decides when the copy is wanted
_ERRORS = {error.code: error for error in (DocumentError, StateError)}


class Copied(NamedTuple):
    """The tree digest of each file as it is to be loaded, and how many seconds each took."""

    trees: tuple[str, ...]
    seconds: tuple[float, ...]


class Copying:
    """A copy under way, without one for a file whose vessel is None. The constructor forks: no
    thread may run yet.

    ``headers`` are those of the files, as they were read, None where that failed.
    """

    def __init__(
        self,
        files: Sequence[OpenFile],
        vessels: Sequence[int | None],
        headers: Sequence[GgufFile | None],
    ) -> None:
        reader, writer = os.pipe()
        try:
            self._pid = kernel.fork(lambda: _copy(writer, files, vessels, headers), "localai-copy")
        except OSError as error:
            raise PlatformError(
                f"no process can be started for the copy: {error.strerror}",
                hint="see this account's limits: ulimit -u",
            ) from error
        os.close(writer)
        self._lines = os.fdopen(reader, encoding="utf-8")
        self._ended = False

    def wait(self, report: Progress) -> Copied:
        """Wait for the end, calling ``report`` with the bytes done so far; once.

        Raises DocumentError or StateError for what went wrong.
        """
        try:
            return self._read(report)
        finally:
            self.end()

    def _read(self, report: Progress) -> Copied:
        for line in self._lines:
            said = json.loads(line)
            if "trees" in said:
                return Copied(tuple(said["trees"]), tuple(said["seconds"]))
            if "code" in said:
                raise _ERRORS[said["code"]](said["message"], hint=said["hint"])
            report(said["done"])
        raise StateError(
            "the copy into memory ended before its time: memory ran out",
            hint="free some memory, or use a smaller model",
        )

    def end(self) -> None:
        """End the process and wait for it. Safe to call twice."""
        if self._ended:
            return
        self._ended = True
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._lines.close()


def _copy(
    output: int,
    files: Sequence[OpenFile],
    vessels: Sequence[int | None],
    headers: Sequence[GgufFile | None],
) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(_POLITE)

    def say(**message: object) -> None:
        os.write(output, (json.dumps(message) + "\n").encode())

    trees, seconds = list[str](), list[float]()
    try:
        for file, vessel, header in zip(files, vessels, headers, strict=True):
            began = time.perf_counter()
            before = sum(done.size for done in files[: len(trees)])
            progress = partial(_say_done, say, before)
            if vessel is None:
                trees.append(_hash_one(file, progress))
            else:
                trees.append(_copy_one(file, vessel, progress))
            _check_header(file, file.fd if vessel is None else vessel, header)
            seconds.append(time.perf_counter() - began)
    except LocalAIError as error:
        say(code=error.code, message=error.message, hint=error.hint)
    else:
        say(trees=trees, seconds=seconds)


def _say_done(say: Callable[..., None], before: int, done: int) -> None:
    say(done=before + done)


def _copy_one(file: OpenFile, vessel: int, report: Progress) -> str:
    return copy_and_hash(
        file,
        vessel,
        threads=len(os.sched_getaffinity(0)),
        room=lambda: find_free_memory().bytes,
        report=report,
        drop=file.size > find_free_memory().bytes // _PLENTY,
    )


def _hash_one(file: OpenFile, report: Progress) -> str:
    os.posix_fadvise(file.fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    tree = digest_file(file.fd, file.size, whole=False, progress=report).tree
    assert tree is not None  # it was asked for
    return tree


def _check_header(file: OpenFile, fd: int, header: GgufFile | None) -> None:
    """Raises DocumentError if what was hashed of ``file``, in ``fd``, says something else."""
    if header is not None and not reads_alike(fd, header):
        raise DocumentError(
            f"{file.path} changed after its header was read",
            hint="wait until nothing writes to it, then try again",
        )
