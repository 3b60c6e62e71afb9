"""Tree digest of a warm 2 GB file, against ``openssl speed`` on as many cores.

    .venv/bin/python benchmarks/hashing.py [--runs N]

The target is a ratio of 0.85 or more: openssl hashes one small buffer from cache again and
again, localai reads a file.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time

import measuring

from localai.hashing import digest_file

SIZE = 2 << 30  # bytes


def main() -> None:
    asked = measuring.parse(__doc__, runs=5, model=False)
    with tempfile.TemporaryFile() as file:
        block = os.urandom(1 << 20)
        for _ in range(SIZE // len(block)):
            file.write(block)
        file.flush()
        medians = measuring.alternate(asked.runs, lambda: tree(file.fileno()), openssl)
    measuring.show("GB/s", ["tree digest", "openssl speed"], medians)


def tree(fd: int) -> float:
    """Gigabytes a second of the tree digest."""
    began = time.perf_counter()
    digest_file(fd, SIZE, whole=False)
    return SIZE / (time.perf_counter() - began) / 1e9


def openssl() -> float:
    """Gigabytes a second of all processes together."""
    cores = str(len(os.sched_getaffinity(0)))
    command = ["openssl", "speed", "-multi", cores, "-seconds", "2", "-bytes", "1048576", "sha256"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^sha256\s+([\d.]+)k", said, re.MULTILINE)
    return float(found[-1]) / 1e6


if __name__ == "__main__":
    main()
