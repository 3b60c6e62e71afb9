"""One process at a time: a lock that every command takes in turn, of an account or of a folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote

from localai.errors import StateError
from localai.places import make_private

PATIENCE_S = 30.0
"""How long a folder's lock is waited for: whoever may read the folder may hold it."""

_LOOK_EVERY_S = 0.05


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


@contextmanager
def locked_folder(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock of ``folder`` itself, whichever account's command it is; wait for it.

    It leaves no file behind and needs no right but to read the folder. Raises StateError if it
    cannot be had, or not within ``patience_s`` seconds. Source: flock(2), of a directory.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StateError(
            f"cannot read {folder}: {error.strerror}", hint=f"ls -ld {quote(str(folder))}"
        ) from error
    try:
        _wait_for(fd, folder, time.monotonic() + patience_s)
        yield
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


def _wait_for(fd: int, folder: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise StateError(
                    f"something has kept {folder} locked all the time; nothing was done",
                    hint=f"find out what: {name_holder(folder)}; then run this command again",
                ) from error
            time.sleep(_LOOK_EVERY_S)
        except OSError as error:  # a file system whose folders cannot be locked: NFS
            raise StateError(
                f"cannot lock {folder}: {error.strerror}",
                hint="work on a copy in a folder on a local file system",
            ) from error
        else:
            return


def name_holder(folder: Path) -> str:
    """The command that shows who holds the lock of a folder. Source: proc_locks(5)."""
    with suppress(OSError):  # no such list here, or the folder is gone
        place = f":{folder.stat().st_ino}"
        for line in Path("/proc/locks").read_text("ascii").splitlines():
            _, kind, _, _, pid, where, *_ = line.split()  # one that waits has -> for its kind
            if kind == "FLOCK" and where.endswith(place):
                return f"ps -fp {pid}"
    return "lslocks"
