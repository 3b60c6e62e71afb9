"""Tree digest of a warm 2 GB file, against ``openssl speed`` on as many cores.

    .venv/bin/python benchmarks/hashing.py

Alternating runs in one process, medians, and the ratio. The target is 0.85 or more: openssl
hashes one small buffer from cache again and again, localai reads a file.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time

from localai.hashing import digest_file

SIZE = 2 << 30  # bytes
ROUNDS = 5


def main() -> None:
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryFile() as file:
        block = os.urandom(1 << 20)
        for _ in range(SIZE // len(block)):
            file.write(block)
        file.flush()
        tree(file.fileno())  # warm
        pairs = [(openssl(cores), tree(file.fileno())) for _ in range(ROUNDS)]
    limit, reached = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"cores            {cores}")
    print(f"openssl speed    {limit / 1e9:.2f} GB/s")
    print(f"tree digest      {reached / 1e9:.2f} GB/s")
    print(f"ratio            {reached / limit:.2f}")


def tree(fd: int) -> float:
    """Bytes a second of the tree digest."""
    started = time.perf_counter()
    digest_file(fd, SIZE, whole=False)
    return SIZE / (time.perf_counter() - started)


def openssl(cores: int) -> float:
    """Bytes a second of all processes together."""
    command = ["openssl", "speed", "-multi", str(cores), "-seconds", "2", "-bytes", "1048576"]
    said = subprocess.run([*command, "sha256"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^sha256\s+([\d.]+)k", said, re.MULTILINE)
    return float(found[-1]) * 1000


if __name__ == "__main__":
    main()
