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
from collections.abc import Mapping
from pathlib import Path

from localai.errors import StateError
from localai.places import make_private

FIRST = "0" * 64
LINE_LIMIT = 1 << 20


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
        fcntl.flock(fd, fcntl.LOCK_EX)
        _check_file(path, fd)
        number, previous = _read_last(path, fd)
        line = json.dumps({"number": number + 1, "previous": previous, **record}) + "\n"
        _write(path, fd, line.encode("ascii"))
        if created:
            _sync_directory(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(fd)
    return number + 1


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


def _read_last(path: Path, fd: int) -> tuple[int, str]:
    """Number and digest of the last line; 0 and FIRST in an empty log."""
    size = os.fstat(fd).st_size
    if size == 0:
        return 0, FIRST
    start = max(0, size - LINE_LIMIT - 2)
    tail = os.pread(fd, size - start, start)
    line = tail[:-1].rpartition(b"\n")[2]
    try:
        if not tail.endswith(b"\n"):
            raise ValueError("it does not end with a line end")
        number = json.loads(line)["number"]
        if not isinstance(number, int) or number < 1:
            raise ValueError("it has no number")
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"the last line of {path} is damaged: {error}",
            hint=f"keep it as evidence and begin a new log: mv {path} {path}.damaged",
        ) from error
    return number, hashlib.sha256(line).hexdigest()


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


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unwritable(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot write the record of this decision to {path}: {error.strerror}",
        hint="free some space or make it writable; what cannot be recorded is not started",
    )
