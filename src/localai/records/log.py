"""The evidence log: one JSON line for every decision, each naming the digest of the line before.

A line is written whole, under a lock, and is on the disk (fsync(2)) before the number of its
record is returned: what cannot be recorded must not start.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from localai.atomicfile import flush_directory
from localai.errors import StateError
from localai.places import make_private

FIRST = "0" * 64
LINE_LIMIT = 1 << 20
PATIENCE_S = 10.0


def append(path: Path, record: Mapping[str, object]) -> int:
    """Append ``record`` to the log at ``path`` and return its number, counted from 1.

    ``number`` and ``previous`` (the SHA-256 of the line before, without its line end) are put in
    front. Raises StateError if the log is damaged or cannot be written; the file then ends where
    it ended before.
    """
    make_private(path.parent)
    created = not path.exists()
    try:
        fd = os.open(
            path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _lock(path, fd, fcntl.LOCK_EX)
        _check_file(path, fd)
        number, previous = 0, FIRST
        if last := _read_last(path, fd):
            number, previous = int(str(last[0]["number"])), hashlib.sha256(last[1]).hexdigest()
        line = json.dumps({"number": number + 1, "previous": previous, **record}) + "\n"
        _write(path, fd, line.encode("ascii"))
        if created:
            flush_directory(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(fd)
    return number + 1


def read_last(path: Path) -> dict[str, object] | None:
    """The last line of the log at ``path``, None if there is none.

    Raises StateError if it is damaged, cannot be read, or could have been written by others.
    """
    with _opened(path) as fd:
        last = _read_last(path, fd) if fd is not None else None
        return last[0] if last else None


def read_lines(path: Path) -> Iterator[dict[str, object]]:
    """Every line of the log at ``path``, oldest first; none if there is no log.

    Raises StateError at the first line that is damaged, or that does not follow from the one
    before: the log was changed, or a line of it is gone.
    """
    with _opened(path) as fd:
        if fd is None:
            return
        previous = FIRST
        with os.fdopen(fd, "rb", closefd=False) as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT + 2), b""), 1):
                found = _parse(path, line, f"line {number}")
                if found["number"] != number or found.get("previous") != previous:
                    raise _damaged(path, f"line {number}", "it does not follow the line before")
                previous = hashlib.sha256(line[:-1]).hexdigest()
                yield found


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """The log for reading, locked against writers; None if there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        _lock(path, fd, fcntl.LOCK_SH)
        _check_file(path, fd)
        yield fd
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(fd)


def _lock(path: Path, fd: int, kind: int) -> None:
    """Take turns. A turn takes milliseconds, and the kernel ends it with its process; only one
    that was stopped in the middle (SIGSTOP) holds a log for longer."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise StateError(
                    f"another process has held {path} for {PATIENCE_S:g} seconds",
                    hint=f"see which, and let it go on or end it: fuser -v {path}",
                ) from error
        time.sleep(0.005)


def _check_file(path: Path, fd: int) -> None:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise StateError(f"{path} is not a regular file", hint=f"mv {path} {path}.odd")
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise StateError(
            f"{path} can be written by other accounts (uid {found.st_uid}, mode "
            f"{found.st_mode & 0o777:04o})",
            hint=f"find out who wrote to it, then chmod 600 {path}",
        )


def _read_last(path: Path, fd: int) -> tuple[dict[str, object], bytes] | None:
    """The last line and its bytes without the line end, None in an empty log."""
    size = os.fstat(fd).st_size
    if size == 0:
        return None
    start = max(0, size - LINE_LIMIT - 2)
    tail = os.pread(fd, size - start, start)
    line = tail[:-1].rpartition(b"\n")[2] + tail[-1:]
    return _parse(path, line, "the last line"), line[:-1]


def _parse(path: Path, line: bytes, which: str) -> dict[str, object]:
    try:
        if not line.endswith(b"\n"):
            raise ValueError("it does not end with a line end")
        found = json.loads(line)
        number = found["number"]
        if not isinstance(number, int) or number < 1:
            raise ValueError("it has no number")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, which, str(error)) from error
    return dict(found)


def _write(path: Path, fd: int, line: bytes) -> None:
    if len(line) > LINE_LIMIT:
        raise StateError(f"a record of {len(line)} bytes is larger than the {LINE_LIMIT} allowed")
    before = os.fstat(fd).st_size
    try:
        written = os.write(fd, line)
        if written < len(line):
            raise StateError(
                f"cannot write {path}: only {written} of {len(line)} bytes went in",
                hint="free some space on that file system",
            )
        os.fsync(fd)
    except (OSError, StateError):
        os.ftruncate(fd, before)  # nothing half-written
        raise


def _damaged(path: Path, which: str, why: str) -> StateError:
    return StateError(
        f"{which} of {path} is damaged: {why}",
        hint=f"keep it as evidence and begin a new log: mv {path} {path}.damaged",
    )


def _unreadable(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot read {path}: {error.strerror}", hint=f"ls -l {path}, and make it readable"
    )


def _unwritable(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot write the record of this decision to {path}: {error.strerror}",
        hint="free some space or make it writable; what cannot be recorded is not started",
    )
