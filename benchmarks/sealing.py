"""Copying 2 GB into sealed memory with the tree digest, against the same copy without it.

    .venv/bin/python benchmarks/sealing.py [--runs N]

The file is warm, the memory new each time. The target is a ratio of 0.85 or more. Needs some
5 GB of free memory, and 2 GB where temporary files go (TMPDIR).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measuring

from localai.hardware import find_free_memory
from localai.hashing import read_into, report_nothing, share_chunks
from localai.sandbox import kernel
from localai.sealing import OpenFile, copy_and_hash, make_vessel, seal

SIZE = 2 << 30  # bytes
NEEDED = SIZE + SIZE // 4


def main() -> None:
    asked = measuring.parse(__doc__, runs=7, model=False)
    kernel.hide()
    with tempfile.NamedTemporaryFile(prefix="localai-benchmark-") as file:
        block = os.urandom(1 << 20)
        for _ in range(SIZE // len(block)):
            file.write(block)
        file.flush()
        source = OpenFile(Path(file.name), file.fileno(), SIZE)
        if find_free_memory().bytes < NEEDED:
            raise SystemExit(f"needs {NEEDED >> 20} MiB of free memory")
        medians = measuring.alternate(
            asked.runs,
            lambda: measure(source, copy_with_digest),
            lambda: measure(source, copy_alone),
        )
    measuring.show("GB/s", ["copy, tree digest, seal", "copy, seal"], medians)


def measure(source: OpenFile, copy: Callable[[OpenFile, int], object]) -> float:
    """Gigabytes a second of a copy into new memory that is then sealed."""
    vessel = make_vessel("localai-benchmark")
    try:
        began = time.perf_counter()
        copy(source, vessel)
        seal(vessel)
        return source.size / (time.perf_counter() - began) / 1e9
    finally:
        os.close(vessel)


def copy_with_digest(source: OpenFile, vessel: int) -> object:
    return copy_and_hash(
        source,
        vessel,
        threads=len(os.sched_getaffinity(0)),
        room=lambda: find_free_memory().bytes,
    )


def copy_alone(source: OpenFile, vessel: int) -> object:
    """The same threads, pieces and calls, and nothing is hashed."""

    def copy_one(offset: int, length: int, buffer: memoryview) -> bytes:
        for start in range(0, length, len(buffer)):
            piece = buffer[: min(len(buffer), length - start)]
            read_into(source.fd, piece, offset + start)
            os.pwrite(vessel, piece, offset + start)
        return b""

    os.ftruncate(vessel, source.size)
    return share_chunks(source.size, copy_one, report_nothing, len(os.sched_getaffinity(0)))


if __name__ == "__main__":
    main()
