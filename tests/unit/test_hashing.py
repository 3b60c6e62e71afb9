"""hashing: against a naive reference written from RFC 6962 by its own words."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localai.errors import DocumentError
from localai.hashing import CHUNK, count_chunks, digest_file, leaf, root_of


def merkle_tree_hash(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word: recursive, splitting at a power of two."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = merkle_tree_hash(entries[:split]), merkle_tree_hash(entries[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_of(data: bytes) -> str:
    return merkle_tree_hash([data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]).hex()


def bytes_of(size: int) -> bytes:
    return hashlib.shake_128(size.to_bytes(8, "big")).digest(size)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[int]]:
    fds: list[int] = []
    yield fds
    for fd in fds:
        os.close(fd)


def open_with(data: bytes, directory: Path, opened: list[int]) -> int:
    path = directory / "file"
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    opened.append(fd)
    return fd


SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, 5 * CHUNK + 7, 7 * CHUNK - 1)


@pytest.mark.parametrize("size", SIZES)
def test_digests_equal_the_reference(size: int, tmp_path: Path, opened: list[int]) -> None:
    data = bytes_of(size)
    fd = open_with(data, tmp_path, opened)
    both = digest_file(fd, size)
    assert both.sha256 == hashlib.sha256(data).hexdigest()
    assert both.tree == tree_of(data)
    for threads in (1, 2, 5):
        alone = digest_file(fd, size, whole=False, threads=threads)
        assert (alone.size, alone.sha256, alone.tree) == (size, None, both.tree)
    assert digest_file(fd, size, tree=False).sha256 == both.sha256
    assert digest_file(fd, size, tree=False).tree is None


@pytest.mark.parametrize("number", range(34))
def test_roots_equal_the_reference(number: int) -> None:
    entries = [bytes([at]) for at in range(number)]
    assert root_of([leaf(entry) for entry in entries]) == merkle_tree_hash(entries)


def test_rfc_6962_known_roots() -> None:
    """The published test vectors of Certificate Transparency's reference tree."""
    entries = [
        bytes.fromhex(text)
        for text in (
            "", "00", "10", "2021", "3031", "40414243",
            "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        )
    ]  # fmt: skip
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for number, expected in roots.items():
        assert root_of([leaf(entry) for entry in entries[:number]]).hex() == expected


def test_a_node_is_no_leaf() -> None:
    """Without the prefixes a file made of two leaf hashes would have the tree of two chunks."""
    first, second = leaf(b"a"), leaf(b"b")
    assert leaf(first + second) != root_of([first, second])


@pytest.mark.parametrize("at", [0, CHUNK - 1, CHUNK, 2 * CHUNK + 99])
def test_one_flipped_bit_changes_both(at: int, tmp_path: Path, opened: list[int]) -> None:
    data = bytearray(bytes_of(2 * CHUNK + 100))
    before = digest_file(open_with(bytes(data), tmp_path, opened), len(data))
    data[at] ^= 1
    after = digest_file(open_with(bytes(data), tmp_path, opened), len(data))
    assert before.sha256 != after.sha256
    assert before.tree != after.tree


def test_swapped_chunks_change_the_tree() -> None:
    assert root_of([leaf(b"a"), leaf(b"b")]) != root_of([leaf(b"b"), leaf(b"a")])


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_shrinks_is_refused(whole: bool, tmp_path: Path, opened: list[int]) -> None:
    fd = open_with(bytes_of(2 * CHUNK), tmp_path, opened)
    with pytest.raises(DocumentError, match=f"ended at byte {2 * CHUNK}: it changed"):
        digest_file(fd, 3 * CHUNK, whole=whole, threads=3)


def test_a_descriptor_that_cannot_be_read(tmp_path: Path, opened: list[int]) -> None:
    opened.append(os.open(tmp_path, os.O_RDONLY))
    for whole in (True, False):
        with pytest.raises(DocumentError, match="cannot read the file: Is a directory"):
            digest_file(opened[0], CHUNK, whole=whole)


@pytest.mark.parametrize("whole", [True, False])
def test_progress_rises_to_the_size_in_the_callers_thread(
    whole: bool, tmp_path: Path, opened: list[int]
) -> None:
    size = 3 * CHUNK + 5
    seen: list[int] = []
    threads: set[int] = set()

    def note(done: int) -> None:
        seen.append(done)
        threads.add(threading.get_ident())

    digest_file(open_with(bytes_of(size), tmp_path, opened), size, whole=whole, progress=note)
    assert seen == sorted(seen)
    assert seen[-1] == size
    assert threads == {threading.get_ident()}


def test_an_interrupt_ends_every_thread(tmp_path: Path, opened: list[int]) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    fd = open_with(bytes_of(6 * CHUNK), tmp_path, opened)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        digest_file(fd, 6 * CHUNK, whole=False, progress=interrupt, threads=4)
    assert threading.active_count() == before


def test_the_offset_is_left_alone(tmp_path: Path, opened: list[int]) -> None:
    fd = open_with(bytes_of(100), tmp_path, opened)
    os.lseek(fd, 7, os.SEEK_SET)
    digest_file(fd, 100)
    assert os.lseek(fd, 0, os.SEEK_CUR) == 7


def test_count_chunks() -> None:
    assert [count_chunks(size) for size in (0, 1, CHUNK, CHUNK + 1)] == [0, 1, 1, 2]
