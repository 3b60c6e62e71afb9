"""Write a small file so that it is there whole, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from localai.errors import StateError

# Never: make it writable. What an administrator decides nobody else may write.
_NOT_YOURS = "do it as an account that may write there, or write it somewhere else"
_NO_FOLDER = "make the folder first, or write it somewhere else"
_HINTS = {errno.EACCES: _NOT_YOURS, errno.EPERM: _NOT_YOURS, errno.EROFS: _NOT_YOURS}
_HINTS |= {errno.ENOENT: _NO_FOLDER, errno.ENOTDIR: _NO_FOLDER}


def write_whole(path: Path, content: bytes, *, mode: int = 0o600, replace: bool = True) -> None:
    """Write ``content`` beside ``path``, flush it to the disk, then give it its name.

    ``mode`` is set as it stands, whatever the umask. Without ``replace`` an existing file stays
    and StateError says so. Raises StateError if it cannot be written; then nothing is left behind,
    and what is there but is no file of its own (a device, a pipe, a link) stays what it is.
    Source: rename(2), link(2) and fsync(2): the directory is flushed too.
    """
    check_place(path)
    beside = path.with_name(f".{path.name}.{os.urandom(6).hex()}.new")
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                beside.replace(path)
            else:
                os.link(beside, path)  # unlike a rename it never replaces
        finally:
            beside.unlink(missing_ok=True)
        flush_directory(path.parent)
    except FileExistsError as error:
        raise StateError(
            f"{path} exists already", hint="choose another name, or move that file away first"
        ) from error
    except OSError as error:
        raise StateError(
            f"cannot write {path}: {error.strerror}",
            hint=_HINTS.get(error.errno or 0, "free some space, or write it somewhere else"),
        ) from error


def check_place(path: Path) -> None:
    """See that ``path`` is a regular file or nothing yet: a rename would put a file in the place of
    a device for good, or of a link. Raises StateError."""
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return  # not there, or writing will say why
    if not regular:
        raise StateError(
            f"{path} is no file that could be written anew", hint="name a new file, or a plain one"
        )


def flush_directory(directory: Path) -> None:
    """Have the names in ``directory`` on the disk. Raises OSError. Source: fsync(2)."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
