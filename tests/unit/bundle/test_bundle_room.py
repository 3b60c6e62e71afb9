"""Written past the page cache or through it: what lies there is what was written."""

from __future__ import annotations

import fcntl
import os
import subprocess
from hashlib import sha256
from mmap import mmap
from pathlib import Path

import pytest

from localai.bundle.room import write_all, write_directly
from localai.bundle.stream import pass_through
from localai.hashing import report_nothing

MIB = 1 << 20


def fill(size: int) -> memoryview:
    """Bytes that begin on a page of memory."""
    page = memoryview(mmap(-1, size or 1))
    page[:size] = os.urandom(size)
    return page[:size]


def is_cached(fd: int) -> bool:
    """Whether the beginning of a file lies in memory. Source: preadv2(2), RWF_NOWAIT."""
    try:
        return os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT) == 1
    except BlockingIOError:
        return False


@pytest.mark.parametrize("before", [0, 512, 700])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, MIB, MIB + 5])
def test_all_of_it_is_written(tmp_path: Path, before: int, size: int) -> None:
    head, content = os.urandom(before), fill(size)
    with (tmp_path / "file").open("wb", buffering=0) as file:
        write_all(file.fileno(), head)
        flags = fcntl.fcntl(file, fcntl.F_GETFL)
        write_directly(file.fileno(), content)
        write_all(file.fileno(), b"end")
        assert fcntl.fcntl(file, fcntl.F_GETFL) == flags
    assert (tmp_path / "file").read_bytes() == head + bytes(content) + b"end"


def test_what_is_not_on_a_page_is_written_too(tmp_path: Path) -> None:
    content = fill(MIB + 1)[1:]
    with (tmp_path / "file").open("wb", buffering=0) as file:
        write_directly(file.fileno(), content)
    assert (tmp_path / "file").read_bytes() == bytes(content)


def test_it_goes_past_the_page_cache(tmp_path: Path) -> None:
    """Else the flush at the end would wait for all of it."""
    asked = subprocess.run(["stat", "-fc", "%T", tmp_path], capture_output=True, text=True)
    if (kind := asked.stdout.strip()) not in ("ext2/ext3", "xfs"):
        pytest.skip(f"not tried on {kind}: writing past the page cache was not seen")
    content = fill(MIB)
    for write, cached in ((write_all, True), (write_directly, False)):
        with (tmp_path / write.__name__).open("w+b", buffering=0) as file:
            write(file.fileno(), content)
            assert is_cached(file.fileno()) is cached


@pytest.mark.parametrize("write", [write_all, write_directly])
def test_a_full_disk_is_said(write: object) -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            write(fd, fill(MIB))  # type: ignore[operator]
    finally:
        os.close(fd)


@pytest.mark.parametrize("size", [0, 1, 3 * MIB, 20 * MIB + 777])
def test_what_passes_through_has_the_digest_of_what_is_written(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "from").write_bytes(content)
    with (tmp_path / "from").open("rb") as source, (tmp_path / "to").open("wb") as target:
        found = pass_through(
            size,
            source.readinto,
            lambda piece: write_directly(target.fileno(), piece),
            report_nothing,
        )
    assert found == sha256(content).hexdigest()
    assert (tmp_path / "to").read_bytes() == content
