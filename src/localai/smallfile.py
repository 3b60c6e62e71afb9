"""Read the small text files that decide things: labels, policies, system settings."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from localai.errors import StateError

LIMIT = 1 << 20


def read_small(path: Path, *, limit: int = LIMIT, owner: int | None = None) -> bytes | None:
    """The bytes of a regular file of at most ``limit`` bytes, or None if it does not exist.

    A link whose target is gone does exist: somebody meant something to be there.
    With ``owner`` (a uid) the file must belong to that account and be writable for nobody else:
    otherwise somebody else decides what it says. Raises StateError if any of this does not hold.
    A FIFO or a device is refused without being waited for.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not path.is_symlink():
            return None
        raise StateError(
            f"{path} is a link to something that does not exist",
            hint=f"ls -l {path}, and restore its target or remove it",
        ) from error
    except OSError as error:
        raise StateError(
            f"cannot read {path}: {error.strerror}", hint=f"ls -l {path}, and make it readable"
        ) from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise StateError(f"{path} is not a regular file", hint=f"ls -l {path}, and replace it")
        if owner is not None and (found.st_uid != owner or found.st_mode & 0o022):
            raise StateError(
                f"{path} belongs to uid {found.st_uid} with mode {found.st_mode & 0o777:04o}; "
                f"expected uid {owner} and nobody else able to write it",
                hint=f"chown {owner} {path} && chmod go-w {path}",
            )
        content = b""
        while len(content) <= limit and (piece := os.read(fd, limit + 1 - len(content))):
            content += piece
    except OSError as error:
        raise StateError(
            f"cannot read {path}: {error.strerror}", hint=f"ls -l {path}, and make it readable"
        ) from error
    finally:
        os.close(fd)
    if len(content) > limit:
        raise StateError(
            f"{path} is larger than the {limit} bytes that such a file may have",
            hint="replace it by a file of the expected kind",
        )
    return content


def list_files(folder: Path, ending: str) -> list[Path]:
    """What lies in ``folder`` under names that end so, by name and without hidden files; nothing if
    there is no such folder. Raises StateError if it cannot be read: what is in it is not known."""
    try:
        found = [path for path in folder.iterdir() if path.name.endswith(ending)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(
            f"cannot read {folder}: {error.strerror}", hint=f"ls -ld {folder}, and make it readable"
        ) from error
    return sorted(path for path in found if not path.name.startswith("."))


def is_there(path: Path) -> bool:
    """True if there is anything of that name, a dangling link too. Raises StateError if that cannot
    be seen: what cannot be seen is not absent."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        folder = path.parent
        raise StateError(
            f"cannot look into {folder}: {error.strerror}", hint=f"ls -ld {folder}, and open it"
        ) from error
    return True
