"""What the fuzzer takes for a defect."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bootstrap.fuzz import targets
from bootstrap.paths import Checkout

from fuzzing import TARGETS
from fuzzing.judge import Broken, judged, opened


def test_an_exception_is_a_defect() -> None:
    with pytest.raises(ZeroDivisionError):
        judged(lambda data: [1 // len(data)])(b"")


def test_time_is_a_defect() -> None:
    def slow(_: bytes) -> None:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    judged(slow, seconds=10)(b"")
    with pytest.raises(Broken, match="of processor time"):
        judged(slow, seconds=0.01)(b"")


LARGE = """
from fuzzing.judge import judged
judged(lambda data: [bytearray(n) for n in (8 << 20, 64 << 20)], memory=%d << 20)(b"")
"""


@pytest.mark.parametrize(("allowed", "broken"), [(200, False), (32, True)])
def test_memory_is_a_defect(root: Path, allowed: int, broken: bool) -> None:
    """In a process of its own: the most that a process ever had does not go down again."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE % allowed],
        env={**os.environ, "PYTHONPATH": str(root / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("MiB of memory, more than" in done.stderr) == broken == bool(done.returncode)


def test_a_hole_costs_nothing() -> None:
    with opened(b"begin", 1 << 40) as (fd, size):
        assert size == os.fstat(fd).st_size == 5 + (1 << 40)
        assert os.pread(fd, 8, 0) == b"begin\0\0\0"
        assert os.fstat(fd).st_blocks * 512 < 1 << 20


def test_the_script_knows_the_targets(root: Path) -> None:
    assert targets(Checkout(root)) == TARGETS
    for name in TARGETS:
        assert (root / "tests" / "fuzzing" / f"{name}.py").is_file()
