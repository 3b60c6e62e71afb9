"""One process at a time: a lock file that every command of an account takes in turn."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localai.errors import StateError
from localai.places import make_private


@contextmanager
def locked(state: Path, name: str) -> Iterator[None]:
    """Hold the lock ``name`` in the state directory, made where it is missing; wait for it.

    The kernel gives it back when the process ends, however it ends. Nobody should be asked
    anything meanwhile. Raises StateError if the lock cannot be had. Source: flock(2).
    """
    make_private(state)
    try:
        fd = os.open(state / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(
            f"cannot write in {state}: {error.strerror}",
            hint="make it writable for this account, or set LOCALAI_HOME to a directory that is",
        ) from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:  # a file system without locks
            raise StateError(
                f"cannot lock {state / name}.lock: {error.strerror}",
                hint="set LOCALAI_HOME to a directory on a local file system",
            ) from error
        yield
    finally:
        os.close(fd)


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Hold the lock of a file or directory itself, which it keeps under whatever name it gets; True
    if it is held, False if another command has it, or moved what it names meanwhile.

    It is not waited for. Raises StateError if it cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    except OSError as error:
        raise StateError(f"cannot open {path}: {error.strerror}", hint=f"ls -ld {path}") from error
    try:
        yield _try(fd) and _is_still(path, fd)
    finally:
        os.close(fd)


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another has it; on a file system without locks nobody can say
        return False
    return True


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False
