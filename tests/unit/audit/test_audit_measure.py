"""Many files hashed at once: each as it would be alone, and what went wrong stays with its file."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from localai.audit.cache import key_of
from localai.audit.measure import Task, measure
from localai.errors import DocumentError
from localai.hashing import CHUNK, Digests, digest_file


def task(path: Path, content: bytes, *, tree: bool = False) -> Task:
    path.write_bytes(content)
    return Task(path, key_of(path.stat()), tree)


def nothing(done: int) -> None:
    pass


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_digests_are_those_of_each_file(tmp_path: Path, threads: int) -> None:
    sizes = (1, 262_144, 262_145, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK)
    tasks = [
        task(tmp_path / str(size), os.urandom(size), tree=number % 2 == 0)
        for number, size in enumerate(sizes)
    ]
    reported: list[int] = []
    found = measure(tasks, reported.append, threads)
    for one in tasks:
        with one.path.open("rb") as file:
            expected = digest_file(file.fileno(), one.key.size, tree=one.tree)
        assert found[one] == expected
    assert reported == sorted(reported)
    assert reported[-1] == sum(sizes)


def test_nothing_to_hash() -> None:
    assert measure([], nothing) == {}


def test_a_file_of_holes_takes_nobody_s_day(tmp_path: Path) -> None:
    """Whoever may write below an audited folder may put terabytes there that cost no disk."""
    path = tmp_path / "hollow.gguf"
    path.write_bytes(b"GGUF")
    os.truncate(path, (1 << 36) + 1)
    hollow, good = Task(path, key_of(path.stat())), task(tmp_path / "good", b"content")
    found = measure([hollow, good], nothing)
    assert "is holes" in str(found[hollow])
    assert isinstance(found[good], Digests)


def test_one_that_is_gone_or_changed_is_told_and_the_others_are_hashed(tmp_path: Path) -> None:
    gone, changed, link, good = (
        task(tmp_path / name, b"content") for name in ("gone", "changed", "link", "good")
    )
    gone.path.unlink()
    changed.path.write_bytes(b"c0ntent")
    link.path.unlink()
    link.path.symlink_to(good.path)
    found = measure([gone, changed, link, good], nothing)
    assert found[good] == Digests(7, sha256(b"content").hexdigest(), None)
    assert "No such file" in str(found[gone])
    assert "changed while it was looked at" in str(found[changed])
    assert "is a link" in str(found[link])


@pytest.mark.parametrize("change", ["grow", "cut", "overwrite"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    """Changed from the report, which is called between two pieces."""
    one = task(tmp_path / "file", bytes(CHUNK))

    def spoil(done: int) -> None:
        with one.path.open("r+b") as file:
            if change == "cut":
                file.truncate(CHUNK // 2)
            else:
                file.seek(0, os.SEEK_END if change == "grow" else os.SEEK_SET)
                file.write(b"x")

    found = measure([one], spoil, 1)[one]
    assert isinstance(found, DocumentError)
    assert "changed while" in found.message and found.hint
    again = task(one.path, bytes(CHUNK))
    assert isinstance(measure([again], nothing, 1)[again], Digests)


def test_an_interruption_ends_all(tmp_path: Path) -> None:
    tasks = [task(tmp_path / str(number), bytes(1 << 20)) for number in range(20)]

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(tasks, interrupt)
