"""Write a bundle: whole, with bytes that have their digests, and on the disk, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shlex import quote

from localai.atomicfile import flush_directory
from localai.bundle.contents import INDEX, Contents, Member, list_small, make_index, write_index
from localai.bundle.frame import END, make_header, make_padding
from localai.bundle.room import check_free, write_all, write_directly
from localai.bundle.source import Source
from localai.bundle.stream import pass_through
from localai.errors import DocumentError, StateError, UsageError
from localai.hashing import Progress, count_from
from localai.sealing import open_regular


def write_bundle(out: Path, contents: Contents, paths: Sequence[Path], progress: Progress) -> int:
    """Write a bundle with the files at ``paths``, in the order of ``contents.files``, to ``out``,
    and return its size.

    ``progress`` is called with the bytes of files done so far. Raises UsageError if something lies
    there, DocumentError for a file that is not what its origin says, StateError.
    """
    _refuse_present(out)
    index = make_index(contents)
    small = [(INDEX, write_index(index)), *list_small(contents)]
    sizes = [*(len(raw) for _, raw in small), *(one.size for one in index.files)]
    with _writing(out, sum(_measure(size) for size in sizes) + len(END)) as fd:
        for name, raw in small:
            _write_member(fd, name, len(raw), partial(write_all, fd, raw))
        before = 0
        for member, path in zip(index.files, paths, strict=True):
            report = count_from(before, progress)
            pour = partial(_pour, path, member, fd, report)
            _write_member(fd, member.name, member.size, pour)
            before += member.size
        write_all(fd, END)
        return os.lseek(fd, 0, os.SEEK_CUR)


@contextmanager
def _writing(out: Path, size: int) -> Iterator[int]:
    """A new file beside ``out``, which gets its name once it is whole and on the disk. No link is
    made, as where nothing is to be replaced: what is carried often has FAT on it."""
    beside = out.with_name(f".{out.name}.{os.urandom(6).hex()}.new")
    try:
        if not out.parent.is_dir():
            there = quote(str(out.parent))
            raise StateError(f"there is no folder {out.parent}", hint=f"mkdir -p {there}")
        check_free(out.parent, size)
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            yield fd
            os.fsync(fd)
        finally:
            os.close(fd)
        _refuse_present(out)
        beside.rename(out)
        flush_directory(out.parent)
    except OSError as error:
        raise StateError(
            f"cannot write {out}: {error.strerror}",
            hint="df -h shows whether it is full; FAT takes no file of 4 GiB, exFAT does",
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _write_member(fd: int, name: str, size: int, write: Callable[[], object]) -> None:
    write_all(fd, make_header(name, size))
    write()
    write_all(fd, make_padding(size))


def _pour(path: Path, member: Member, fd: int, report: Progress) -> None:
    opened = open_regular(path)
    try:
        if opened.size == member.size:
            read = Source(opened.fd, path).read_into
            found = pass_through(member.size, read, partial(write_directly, fd), report)
            if found == member.sha256:
                return
    finally:
        os.close(opened.fd)
    raise DocumentError(f"{path} is not what arrived, sha256 {member.sha256}")


def _measure(size: int) -> int:
    return len(make_header("", size)) + size + len(make_padding(size))


def _refuse_present(out: Path) -> None:
    if os.path.lexists(out):
        raise UsageError(f"{out} exists already", hint="choose another name, or move it away")
