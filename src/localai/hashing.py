"""SHA-256 of files: whole, and as a Merkle tree over fixed chunks that several cores can share.

The whole-file digest is what hubs publish and what ``sha256sum`` prints, but it cannot be split.
The tree digest is the Merkle Tree Hash of RFC 6962, section 2.1, whose list of entries is the
file cut into chunks of 4 MiB (the last one shorter):

* no chunk (an empty file): SHA-256 of nothing;
* one chunk: SHA-256(0x00 || chunk);
* n chunks: SHA-256(0x01 || tree(first k) || tree(rest)), k the largest power of two below n.

The two prefixes keep a leaf from passing for a node. Both digests are written as 64 lower-case
hexadecimal digits; the field that carries them says which one it is (``sha256``,
``tree-sha256``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import count
from typing import NamedTuple

from localai.errors import DocumentError

CHUNK = 4 * 1024 * 1024
"""Bytes in a leaf of the tree. Part of the format: other values give other digests."""
_HOLLOW = 1 << 36  # bytes of a file, from which on it matters that nearly all of it is holes

_PIECE = 256 * 1024
"""Bytes read at once. Small enough to be hashed while still in a core's own cache, large enough
that hashlib lets other threads run meanwhile."""

Progress = Callable[[int], None]
"""Called in the caller's own thread with the number of bytes done so far."""


def report_nothing(done: int) -> None:
    pass


def count_from(before: int, progress: Progress) -> Progress:
    """For the next of several files, before which so many bytes were done."""
    return lambda done: progress(before + done)


class Digests(NamedTuple):
    """What was computed over ``size`` bytes: lower-case hex, None where it was not asked for."""

    size: int
    sha256: str | None
    tree: str | None


def leaf(chunk: bytes | bytearray | memoryview) -> bytes:
    """Hash one chunk (at most CHUNK bytes) as a leaf: 32 bytes."""
    digest = sha256(b"\x00")
    digest.update(chunk)
    return digest.digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Hash the leaves, in file order, up to the root of the tree: 32 bytes."""
    if not leaves:
        return sha256(b"").digest()
    # RFC 6962 splits at the largest power of two. Joining neighbours level by level and handing
    # an odd last one up unchanged gives the same tree, without recursion.
    level = list(leaves)
    while len(level) > 1:
        joined = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[0::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            joined.append(level[-1])
        level = joined
    return level[0]


def count_chunks(size: int) -> int:
    """The number of leaves of a file of ``size`` bytes."""
    return -(-size // CHUNK)


def digest_file(
    fd: int,
    size: int,
    *,
    tree: bool = True,
    whole: bool = True,
    progress: Progress = report_nothing,
    threads: int | None = None,
) -> Digests:
    """Hash the first ``size`` bytes of an open regular file; its offset is not used or moved.

    Both digests, where both are asked for, are computed over the same bytes in memory: a file
    that changes meanwhile cannot get two digests of two different contents. The tree alone uses
    ``threads`` threads (by default one for each core that this process may use).

    Raises DocumentError if the file ends before ``size`` bytes or cannot be read.
    """
    if whole:
        return _digest_serially(fd, size, tree, progress)
    if not tree:
        return Digests(size, None, None)
    leaves = _hash_leaves(fd, size, progress, threads or len(os.sched_getaffinity(0)))
    return Digests(size, None, root_of(leaves).hex())


def is_hollow(size: int, blocks: int) -> bool:
    """True of a file (or files) of so many bytes that is nearly all holes: it may have terabytes
    that nobody ever wrote. ``blocks`` of 512 bytes are stored (stat(2), st_blocks)."""
    return size > max(_HOLLOW, 100 * 512 * blocks)


def _digest_serially(fd: int, size: int, tree: bool, report: Progress) -> Digests:
    """Read once, in order. A second thread hashes each chunk as a leaf beside the first."""
    whole = sha256()
    leaves: list[bytes] = []
    for offset in range(0, size, CHUNK):
        chunk = bytearray(min(CHUNK, size - offset))
        read_into(fd, memoryview(chunk), offset)
        if tree:
            beside = threading.Thread(target=lambda data: leaves.append(leaf(data)), args=(chunk,))
            beside.start()
            whole.update(chunk)
            beside.join()
        else:
            whole.update(chunk)
        report(offset + len(chunk))
    return Digests(size, whole.hexdigest(), root_of(leaves).hex() if tree else None)


def _hash_leaves(fd: int, size: int, report: Progress, threads: int) -> list[bytes]:
    def hash_one(offset: int, length: int, buffer: memoryview) -> bytes:
        digest = sha256(b"\x00")
        for start in range(0, length, len(buffer)):
            piece = buffer[: min(len(buffer), length - start)]
            read_into(fd, piece, offset + start)
            digest.update(piece)
        return digest.digest()

    return share_chunks(size, hash_one, report, threads)


def share_chunks(
    size: int,
    handle: Callable[[int, int, memoryview], bytes],
    report: Progress,
    threads: int,
) -> list[bytes]:
    """Call ``handle(offset, length, buffer)`` for every chunk of ``size`` bytes, in ``threads``
    threads, and return what it answered, in the order of the chunks.

    ``buffer`` is the thread's own, to be used again and again. The caller's thread takes its
    share, so that it can report and be interrupted; whatever goes wrong in one thread ends all
    and is raised here.
    """
    total = count_chunks(size)
    answers = [b""] * total
    numbers = count()  # next() on it is one step: every thread gets numbers of its own
    finished: list[int] = []
    failures: list[BaseException] = []

    def handle_next(buffer: memoryview) -> bool:
        number = next(numbers)
        if number >= total or failures:
            return False
        offset = number * CHUNK
        answers[number] = handle(offset, min(CHUNK, size - offset), buffer)
        finished.append(number)
        return True

    def work(report_done: Progress) -> None:
        try:
            buffer = memoryview(bytearray(_PIECE))
            while handle_next(buffer):
                report_done(min(size, len(finished) * CHUNK))
        except BaseException as error:  # kept for the caller's thread, which raises it
            failures.append(error)

    others = [
        threading.Thread(target=work, args=(report_nothing,))
        for _ in range(min(threads, total) - 1)
    ]
    for thread in others:
        thread.start()
    work(report)
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
    report(size)
    return answers


def read_into(fd: int, target: memoryview, offset: int) -> None:
    """Fill ``target`` from ``offset``. pread(2), not a map: a file that shrinks under a map
    raises SIGBUS, under pread a short count."""
    filled = 0
    while filled < len(target):
        try:
            got = os.preadv(fd, [target[filled:]], offset + filled)
        except OSError as error:
            raise DocumentError(f"cannot read the file: {error.strerror}") from error
        if not got:
            raise DocumentError(
                f"the file ended at byte {offset + filled}: it changed while it was being read",
                hint="wait until nothing writes to the file, then try again",
            )
        filled += got
