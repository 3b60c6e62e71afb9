"""The cache knows a file again only if nothing about it changed; damaged, it knows nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from localai.audit.cache import SETTLED_NS, Key, Known, cache_file, key_of, read_cache, write_cache
from localai.errors import StateError

KEY = Key(64769, 12, 5, 1_000, -2_000)
KNOWN = Known("GGUF", "a" * 64, "b" * 64)
LATER = SETTLED_NS + 1_001


def test_it_reads_back(tmp_path: Path) -> None:
    known = {KEY: KNOWN, KEY._replace(inode=13): Known("Python pickle", "c" * 64)}
    write_cache(tmp_path / "state", known, LATER)
    assert read_cache(tmp_path / "state") == known
    assert cache_file(tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_what_had_only_just_changed_is_not_kept(tmp_path: Path) -> None:
    for key in (KEY._replace(modified=1_001), KEY._replace(changed=1_001)):
        write_cache(tmp_path, {key: KNOWN}, LATER)
        assert read_cache(tmp_path) == {}
    write_cache(tmp_path, {KEY: KNOWN}, LATER)
    assert KEY in read_cache(tmp_path)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"localai.audit-cache/2\n",
        b"localai.audit-cache/1\n1 2 3\n",
        b"localai.audit-cache/1\n%s 2 3 4 5 %s - GGUF\n" % (b"1" * 5000, b"a" * 64),
        b"localai.audit-cache/1\n1 2 3 4 5 %s - GGUF\n" % (b"A" * 64),
        b"localai.audit-cache/1\n1 2 3 4 5 %s - \xff\n" % (b"a" * 63),
    ],
)
def test_a_damaged_one_is_none(tmp_path: Path, raw: bytes) -> None:
    cache_file(tmp_path).write_bytes(raw)
    assert read_cache(tmp_path) == {}


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(cache_file(tmp_path))
    assert read_cache(tmp_path) == {}
    with pytest.raises(StateError):
        write_cache(tmp_path, {KEY: KNOWN}, LATER)


def test_every_change_gives_another_key(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    keys = {key_of(path.stat())}
    before = path.stat()
    path.write_bytes(b"54321")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # ctime cannot be set back
    while key_of(path.stat()) in keys:  # within one tick of the clock: that is what SETTLED is for
        time.sleep(0.005)
        path.write_bytes(b"54321")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    keys.add(key_of(path.stat()))
    other = tmp_path / "other"
    other.write_bytes(b"12345")
    other.replace(path)
    keys.add(key_of(path.stat()))
    assert len(keys) == 3
