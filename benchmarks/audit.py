"""How fast ``localai manifest audit`` is: hashing of warm files, against the SHA-256 limit of all
cores, and a second audit of files that did not change.

    .venv/bin/python benchmarks/audit.py [--runs N]

Targets: 0.9 times the limit or more; 1,000 unchanged files within 1 s, the whole command. The
limit is the same hashlib on as many threads over one buffer that stays in a core's own cache.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from hashlib import sha256
from pathlib import Path

import measuring

from localai.audit.cache import SETTLED_NS, key_of
from localai.audit.measure import Task, measure
from localai.hashing import report_nothing

FILES, SIZE = 16, 128 << 20  # bytes each
MANY, SMALL = 1000, 1 << 20
BUFFER = 256 * 1024
AUDIT = """
import sys
from localai.__main__ import main
code = main()
sys.exit(0 if code in (0, 3) else code)
"""


def main() -> None:
    asked = measuring.parse(__doc__, runs=5, model=False)
    with tempfile.TemporaryDirectory(prefix="localai-benchmark-") as name:
        tasks = [make(Path(name) / str(number), SIZE) for number in range(FILES)]
        medians = measuring.alternate(asked.runs, lambda: hash_files(tasks), limit)
    measuring.show("GB/s", ["audit hashing", "limit of SHA-256"], medians)
    print()
    with tempfile.TemporaryDirectory(prefix="localai-benchmark-") as name:
        environ = {**measuring.plain_environ(), "LOCALAI_HOME": f"{name}/home"}
        for number in range(MANY):
            make(Path(name) / "models" / f"{number}.gguf", SMALL)
        time.sleep(SETTLED_NS / 1e9)
        first = audit(Path(name) / "models", environ)
        (again,) = measuring.alternate(asked.runs, lambda: audit(Path(name) / "models", environ))
    measuring.show("s", ["second audit, 1,000 files", "first audit"], [again, first])


def make(path: Path, size: int) -> Task:
    """A file that begins like a model."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"GGUF" + os.urandom(size - 4))
    return Task(path, key_of(path.stat()))


def hash_files(tasks: list[Task]) -> float:
    """Gigabytes a second."""
    began = time.perf_counter()
    measure(tasks, report_nothing)
    return FILES * SIZE / (time.perf_counter() - began) / 1e9


def limit() -> float:
    """Gigabytes a second of all threads together, over nothing that has to be read."""
    cores = len(os.sched_getaffinity(0))
    rounds = FILES * SIZE // BUFFER // cores

    def work() -> None:
        digest, buffer = sha256(), bytes(BUFFER)
        for _ in range(rounds):
            digest.update(buffer)

    threads = [threading.Thread(target=work) for _ in range(cores)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rounds * cores * BUFFER / (time.perf_counter() - began) / 1e9


def audit(folder: Path, environ: dict[str, str]) -> float:
    """Seconds of the whole command. Nothing is approved, so it ends with 3."""
    command = [sys.executable, "-c", AUDIT, "manifest", "audit", "--root", folder, "--json"]
    return measuring.run(command, environ).total_s


if __name__ == "__main__":
    main()
