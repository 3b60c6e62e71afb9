"""Copy an artifact into memory that the kernel seals, hashing what is copied.

What was verified is what is loaded: the worker gets the sealed memory, never the file. The copy
cannot be touched meanwhile, because the launcher hid itself before the memory existed
(PR_SET_DUMPABLE in prctl(2)): no other process of the same user can open it through /proc. Then
F_SEAL_WRITE fails with EBUSY if anybody had mapped it for writing all the same, and that refuses.
Source: memfd_create(2), fcntl(2), "File Sealing".
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.errors import DocumentError, PlatformError, StateError
from localai.hashing import (
    CHUNK,
    Progress,
    read_into,
    report_nothing,
    root_of,
    share_chunks,
)
from localai.sandbox import kernel

RESERVE = 256 << 20  # bytes that the copy leaves free
_NAME_IT = "name the file itself, as model.gguf"
_BRING_IT = "download the file again, or name another"
_LOOK_EVERY = 16  # chunks between two looks at the free memory
MFD_NOEXEC_SEAL = 0x0008  # Linux 6.3: this memory never becomes a program
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class OpenFile(NamedTuple):
    """A regular file opened for reading, with the size it had then."""

    path: Path
    fd: int
    size: int


def open_regular(path: Path) -> OpenFile:
    """Open ``path`` without following a link in its last part.

    Raises DocumentError for anything that is no readable, non-empty regular file; the hint for a
    link names what it points to.
    """
    try:
        # O_NONBLOCK: opening a FIFO must not wait for its writer.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise _cannot_open(path, error) from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        os.close(fd)
        empty = stat.S_ISREG(status.st_mode)
        what = "is empty" if empty else f"is {_kind(status.st_mode)}"
        hint = _BRING_IT if empty else _NAME_IT
        if stat.S_ISDIR(status.st_mode) and (inside := _find_file(path)):
            hint = f"name a file in it, as {quote(str(inside))}"
        raise DocumentError(f"{path} {what}; expected a file of a model or a dataset", hint=hint)
    return OpenFile(path, fd, status.st_size)


def _find_file(directory: Path) -> Path | None:
    """A file in it that somebody may have meant, a model's rather than another."""
    with suppress(OSError), os.scandir(directory) as found:
        names = (one.name for one in found if one.is_file(follow_symlinks=False))
        first = min(names, key=lambda name: (not name.endswith(".gguf"), name), default="")
        return directory / first if first else None
    return None


def _cannot_open(path: Path, error: OSError) -> DocumentError:
    if error.errno == errno.ELOOP and path.is_symlink():  # a folder may be a link to itself
        target = os.path.realpath(path)
        if path.exists():
            problem, hint = "only the file itself is verified", f"use {quote(target)}"
        else:
            problem, hint = f"there is no {target}", _BRING_IT
        return DocumentError(f"{path} is a link; {problem}", hint=hint)
    hints = {
        errno.EACCES: "ask for the right to read it",
        errno.EMFILE: "raise this account's limit of open files: ulimit -n 4096",
        errno.ENXIO: _NAME_IT,  # a socket, or a device that is not there
    }
    return DocumentError(
        f"cannot open {path}: {error.strerror}",
        hint=hints.get(error.errno or 0, "check the name"),
    )


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a named pipe"),
             (stat.S_ISSOCK, "a socket"))  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "a device")


def make_vessel(name: str) -> int:
    """An empty file in memory that can be sealed. The process must be hidden already.

    Raises PlatformError if the process can be looked into, or traced right now.
    """
    if kernel.prctl(kernel.PR_GET_DUMPABLE) or int(kernel.read_status()["TracerPid"]):
        raise PlatformError(
            "another process could look into this one while it verifies",
            hint="run localai without a debugger or tracer",
        )
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL
    try:
        return os.memfd_create(name, flags)
    except OSError:  # Linux before 6.3 does not know MFD_NOEXEC_SEAL
        return os.memfd_create(name, flags & ~MFD_NOEXEC_SEAL)


def copy_and_hash(
    source: OpenFile,
    vessel: int,
    *,
    threads: int,
    room: Callable[[], int],
    report: Progress = report_nothing,
    drop: bool = False,
) -> str:
    """Copy ``source`` into ``vessel`` and return the tree digest of exactly what was written.

    ``room()`` is how many bytes are free: below RESERVE the copy stops. With ``drop`` the source
    leaves the page cache behind the copy. Raises DocumentError if the source cannot be read or
    changes its size, StateError if memory runs short.
    """

    def copy_one(offset: int, length: int, buffer: memoryview) -> bytes:
        if offset // CHUNK % _LOOK_EVERY == 0 and room() < RESERVE:
            raise _short_of_memory(offset)
        digest = sha256(b"\x00")
        for start in range(0, length, len(buffer)):
            piece = buffer[: min(len(buffer), length - start)]
            read_into(source.fd, piece, offset + start)
            _write_all(vessel, piece, offset + start)
            digest.update(piece)
        if drop:
            os.posix_fadvise(source.fd, offset, length, os.POSIX_FADV_DONTNEED)
        return digest.digest()

    try:
        os.posix_fadvise(source.fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        os.ftruncate(vessel, source.size)
        leaves = share_chunks(source.size, copy_one, report, threads)
    except OSError as error:
        raise StateError(
            f"the copy into memory stopped: {error.strerror}", hint="localai doctor"
        ) from error
    if os.fstat(source.fd).st_size != source.size:
        raise DocumentError(
            f"{source.path} changed its size while it was verified",
            hint="wait until nothing writes to it, then try again",
        )
    return root_of(leaves).hex()


def _short_of_memory(copied: int) -> StateError:
    return StateError(
        f"memory runs short: the copy stopped after {copied >> 20} MiB, with less than "
        f"{RESERVE >> 20} MiB free",
        hint="free some memory, or use a smaller model",
    )


def _write_all(vessel: int, piece: memoryview, offset: int) -> None:
    while piece:
        written = os.pwrite(vessel, piece, offset)
        piece, offset = piece[written:], offset + written


def seal(vessel: int) -> None:
    """Let nobody change ``vessel`` any more: not its bytes, not its size, not its seals.

    Raises PlatformError if somebody holds it mapped for writing (EBUSY).
    """
    try:
        fcntl.fcntl(vessel, fcntl.F_ADD_SEALS, _SEALS)
    except OSError as error:
        raise PlatformError(
            f"the model's memory cannot be sealed: {error.strerror}",
            hint="another process holds it open for writing: find out which, then try again",
        ) from error
    if fcntl.fcntl(vessel, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
        raise PlatformError("the kernel did not keep the seals", hint="localai doctor")
