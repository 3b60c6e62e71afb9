"""A large file hashed where it lies, as a start from a read-only store does, against its copy.

    .venv/bin/python benchmarks/large.py [--runs N] [--gigabytes N]

The file is warm. The limit is the same hash, in as many threads, of memory that nobody has to read;
the copy goes into new memory, with the tree digest, and is sealed. The target is 0.85 of the limit.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measuring

from localai.hardware import find_free_memory
from localai.hashing import CHUNK, digest_file, leaf, report_nothing, share_chunks
from localai.sandbox import kernel
from localai.sealing import OpenFile, copy_and_hash, make_vessel, seal

THREADS = len(os.sched_getaffinity(0))


def main() -> None:
    asked = parse()
    size = asked.gigabytes << 30
    kernel.hide()
    with tempfile.NamedTemporaryFile(prefix="localai-benchmark-") as file:
        block = os.urandom(1 << 20)
        for _ in range(size // len(block)):
            file.write(block)
        file.flush()
        source = OpenFile(Path(file.name), file.fileno(), size)
        if find_free_memory().bytes < size + size // 4:
            raise SystemExit(f"needs {(size + size // 4) >> 20} MiB of free memory")
        medians = measuring.alternate(
            asked.runs,
            lambda: rate(size, lambda: digest_file(source.fd, size, whole=False)),
            lambda: rate(size, lambda: hash_memory(size)),
            lambda: rate(size, lambda: copy(source)),
        )
    measuring.show("GB/s", ["hash where it lies", "limit", "copy, tree digest, seal"], medians)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7, help="of each; 7 if left out")
    parser.add_argument("--gigabytes", type=int, default=2, help="2 if left out")
    return parser.parse_args()


def rate(size: int, work: Callable[[], object]) -> float:
    """Gigabytes a second."""
    began = time.perf_counter()
    work()
    return size / (time.perf_counter() - began) / 1e9


def hash_memory(size: int) -> object:
    chunk = os.urandom(CHUNK)
    return share_chunks(size, lambda *_: leaf(chunk), report_nothing, THREADS)


def copy(source: OpenFile) -> None:
    vessel = make_vessel("localai-benchmark")
    try:
        copy_and_hash(source, vessel, threads=THREADS, room=lambda: find_free_memory().bytes)
        seal(vessel)
    finally:
        os.close(vessel)


if __name__ == "__main__":
    main()
