"""Seal against an attacker: another process of the same user who opens the memory early."""

from __future__ import annotations

import math
import mmap
import os
import resource
import signal
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.artifact import open_artifact
from localai.copying import Copying
from localai.errors import DocumentError, PlatformError, StateError
from localai.gguf.facts import GgufFile
from localai.hashing import CHUNK, digest_file
from localai.sandbox import kernel
from localai.sealing import RESERVE, OpenFile, copy_and_hash, make_vessel, open_regular, seal

ORDINARY = 61200  # root may look everywhere; these tests are about everybody else
SIZE = 3 * CHUNK + 17


def plenty() -> int:
    return 1 << 40


def as_ordinary_user(work: Callable[[], None]) -> None:
    """Do ``work`` in a child that is no root, and fail the test if it fails."""
    kernel.read_status()  # imports a codec, which another account might not be able to read
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(ORDINARY)
                os.setuid(ORDINARY)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def attack(work: Callable[[int], None]) -> int:
    """``work(pid of its victim)`` in another process of the same user: 0, or the errno it met."""
    victim = os.getpid()
    child = os.fork()
    if child == 0:
        status = 255
        try:
            work(victim)
            status = 0
        except OSError as error:
            status = error.errno or 254
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write_through_proc(fd: int) -> Callable[[int], None]:
    def write(victim: int) -> None:
        early = os.open(f"/proc/{victim}/fd/{fd}", os.O_RDWR)
        os.pwrite(early, b"changed", 0)

    return write


@pytest.fixture
def source(tmp_path: Path) -> OpenFile:
    path = tmp_path / "model.gguf"
    path.write_bytes(os.urandom(SIZE))
    return open_regular(path)


def unsafe_vessel() -> int:
    """A vessel made without hiding first: what ``make_vessel`` refuses."""
    return os.memfd_create("unsafe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def test_an_attacker_cannot_open_the_memory_of_a_hidden_launcher() -> None:
    def work() -> None:
        kernel.hide()
        vessel = make_vessel("test")
        os.ftruncate(vessel, 4096)
        assert attack(write_through_proc(vessel)) == 13  # EACCES
        seal(vessel)

    as_ordinary_user(work)


def test_without_hiding_the_attacker_changes_what_was_hashed(source: OpenFile) -> None:
    """The protection taken away: the digest no longer is that of what is sealed."""

    def work() -> None:
        vessel = unsafe_vessel()
        tree = copy_and_hash(source, vessel, threads=2, room=plenty)
        assert attack(write_through_proc(vessel)) == 0
        seal(vessel)
        assert digest_file(vessel, SIZE, whole=False).tree != tree

    as_ordinary_user(work)


def test_memory_that_somebody_mapped_for_writing_is_not_sealed() -> None:
    def work() -> None:
        vessel = unsafe_vessel()
        os.ftruncate(vessel, 4096)
        ready, done = os.pipe(), os.pipe()
        victim = os.getpid()
        child = os.fork()
        if child == 0:
            early = os.open(f"/proc/{victim}/fd/{vessel}", os.O_RDWR)
            held = mmap.mmap(early, 4096)
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            held.close()
            os._exit(0)
        os.read(ready[0], 1)
        with pytest.raises(PlatformError, match="cannot be sealed"):
            seal(vessel)
        os.write(done[1], b"x")
        os.waitpid(child, 0)

    as_ordinary_user(work)


def test_a_launcher_that_is_not_hidden_makes_no_vessel() -> None:
    def work() -> None:
        with pytest.raises(PlatformError, match="could look into this one"):
            make_vessel("test")

    as_ordinary_user(work)


def test_sealed_memory_cannot_be_changed_by_anybody(source: OpenFile) -> None:
    def work() -> None:
        kernel.hide()
        vessel = make_vessel("test")
        copy_and_hash(source, vessel, threads=2, room=plenty)
        seal(vessel)
        for change in (
            lambda: os.pwrite(vessel, b"x", 0),
            lambda: os.ftruncate(vessel, 1),
            lambda: os.ftruncate(vessel, SIZE + 1),
            lambda: mmap.mmap(vessel, 4096),
        ):
            with pytest.raises(PermissionError):
                change()

    as_ordinary_user(work)


def test_what_is_hashed_is_what_is_sealed(source: OpenFile) -> None:
    vessel = unsafe_vessel()
    seen: list[int] = []
    tree = copy_and_hash(source, vessel, threads=2, room=plenty, report=seen.append)
    seal(vessel)
    data = source.path.read_bytes()
    assert os.pread(vessel, SIZE + 1, 0) == data
    assert tree == digest_file(source.fd, SIZE, whole=False).tree
    assert seen[-1] == SIZE


def test_a_process_of_its_own_copies_as_well(source: OpenFile) -> None:
    vessels = [unsafe_vessel(), unsafe_vessel()]
    seen: list[int] = []
    copied = Copying([source, source], vessels, [None, None]).wait(seen.append)
    tree = digest_file(source.fd, SIZE, whole=False).tree
    assert copied.trees == (tree, tree)
    assert [os.pread(vessel, SIZE, 0) for vessel in vessels] == [source.path.read_bytes()] * 2
    assert seen == sorted(seen)
    assert seen[-1] == 2 * SIZE


def test_what_needs_no_copy_is_hashed_where_it_lies(source: OpenFile) -> None:
    vessel, seen = unsafe_vessel(), list[int]()
    copied = Copying([source, source], [None, vessel], [None, None]).wait(seen.append)
    tree = digest_file(source.fd, SIZE, whole=False).tree
    assert copied.trees == (tree, tree)
    assert os.fstat(vessel).st_size == SIZE
    assert seen[-1] == 2 * SIZE
    os.truncate(source.path, CHUNK)
    with pytest.raises(DocumentError, match="it changed while"):
        Copying([source], [None], [None]).wait(seen.append)


def test_a_copy_that_is_ended_says_so(source: OpenFile) -> None:
    copying = Copying([source], [unsafe_vessel()], [None])
    os.kill(copying._pid, signal.SIGSTOP)
    os.kill(copying._pid, signal.SIGKILL)
    try:
        copied = copying.wait(lambda done: None)
    except StateError as error:
        assert "memory ran out" in error.message
    else:  # it was done before the signal came
        assert copied.trees
    copying.end()


def test_a_copy_tells_what_is_wrong(source: OpenFile) -> None:
    os.truncate(source.path, CHUNK)
    with pytest.raises(DocumentError, match="it changed while"):
        Copying([source], [unsafe_vessel()], [None]).wait(lambda done: None)


@pytest.mark.parametrize("copied", [True, False])
def test_what_was_judged_is_what_is_hashed(tmp_path: Path, copied: bool) -> None:
    """Whoever can write to a file could show another licence, until it was read."""
    path, not_a_number = tmp_path / "model.gguf", maker.entry("general.x", maker.F32, math.nan)
    parts = maker.model_parts()
    meant = parts._replace(entries=(*parts.entries, not_a_number)).bytes()
    shown = meant.replace(b"apache-2.0", b"apache-1.1", 1)
    path.write_bytes(shown)
    opened = open_artifact(path)
    assert opened.artifact.said and opened.artifact.said.licences == ("apache-1.1",)

    def copy(headers: Sequence[GgufFile | None]) -> None:
        vessel = unsafe_vessel() if copied else None
        Copying(opened.files, [vessel], headers).wait(lambda done: None)

    copy(opened.all_headers)
    for content in (meant, b"x" * len(meant)):
        path.write_bytes(content)
        with pytest.raises(DocumentError, match="changed after its header was read"):
            copy(opened.all_headers)
        copy([None])
    opened.close()


def test_the_copy_stops_when_memory_runs_short(source: OpenFile) -> None:
    with pytest.raises(StateError, match="memory runs short"):
        copy_and_hash(source, unsafe_vessel(), threads=2, room=lambda: RESERVE - 1)


def test_a_file_that_shrinks_meanwhile(source: OpenFile) -> None:
    os.truncate(source.path, CHUNK)
    with pytest.raises(DocumentError, match="it changed while"):
        copy_and_hash(source, unsafe_vessel(), threads=2, room=plenty)


def test_a_file_that_grows_meanwhile(source: OpenFile) -> None:
    with source.path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DocumentError, match="changed its size"):
        copy_and_hash(source, unsafe_vessel(), threads=2, room=plenty)


def test_a_limit_on_file_sizes_stops_the_copy(source: OpenFile) -> None:
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK, CHUNK))
        with pytest.raises(StateError, match="File too large"):
            copy_and_hash(source, unsafe_vessel(), threads=2, room=plenty)

    as_ordinary_user(work)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    target = tmp_path / "target.gguf"
    target.write_bytes(b"x")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").touch()
    for name, message in {
        "missing": "No such file",
        "link": "is a link",
        "dangling": "is a link",
        "fifo": "is a named pipe",
        "empty": "is empty",
        ".": "is a directory",
        "/dev/zero": "is a device",
    }.items():
        with pytest.raises(DocumentError, match=message):
            open_regular(tmp_path / name)


def test_the_hint_for_a_link_names_its_target(tmp_path: Path) -> None:
    target = tmp_path / "blobs" / "abc"
    target.parent.mkdir()
    target.write_bytes(b"x")
    (tmp_path / "model.gguf").symlink_to("blobs/abc")
    with pytest.raises(DocumentError) as caught:
        open_regular(tmp_path / "model.gguf")
    assert caught.value.hint == f"use {target}"
