"""What the benchmarks share: alternating runs, medians, a home of their own, time to a byte."""

from __future__ import annotations

import argparse
import compileall
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import localai

HERE = Path(__file__).parent
LOCALAI = Path(sys.executable).with_name("localai")


class Ran(NamedTuple):
    """One process. ``first_s``: from exec to the first byte on its stdout; ``cpu_s``: processor
    seconds of it and of all that it waited for."""

    first_s: float
    total_s: float
    cpu_s: float
    printed: str


def parse(description: str | None, *, runs: int, model: bool) -> argparse.Namespace:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if model:
        parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--runs", type=int, default=runs, help=f"of each; {runs} if left out")
    return parser.parse_args()


def alternate(runs: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure. They take turns, so that what changes on the machine meanwhile
    meets all of them; the first turn warms caches and does not count."""
    for measure in measures:
        measure()
    rows = [[measure() for measure in measures] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def show(unit: str, names: Sequence[str], medians: Sequence[float]) -> None:
    """Print the medians, and the ratio of the first to each of the others."""
    for name, median in zip(names, medians, strict=True):
        print(f"{name:<30} {median:8.3f} {unit}")
    for name, median in zip(names[1:], medians[1:], strict=True):
        print(f"{f'ratio to {name}':<30} {medians[0] / median:8.3f}")


def run(command: Sequence[str | Path], environ: dict[str, str]) -> Ran:
    """Run a command to its end. Raises RuntimeError if it fails."""
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environ,
        )
        assert process.stdout is not None
        with process.stdout as stdout:
            first = os.read(stdout.fileno(), 1)
            first_s = time.perf_counter() - began
            printed = first + stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        total_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace")
            raise RuntimeError(f"{shlex.join(map(str, command))}: {process.returncode}\n{said}")
    return Ran(first_s, total_s, usage.ru_utime + usage.ru_stime, printed.decode())


def plain_environ() -> dict[str, str]:
    """This environment as an installed localai would meet it: with compiled bytecode."""
    compileall.compile_dir(Path(localai.__file__).parent, quiet=1)
    environ = dict(os.environ)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


@contextmanager
def home(model: Path) -> Iterator[dict[str, str]]:
    """The environment of a home in which ``model`` is approved; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="localai-benchmark-") as directory:
        environ = {**plain_environ(), "LOCALAI_HOME": directory}
        terms = ["--yes", "--source", "benchmark/model", "--licence", "unknown"]
        run([LOCALAI, "setup", "--label", "sandbox", "--unencrypted-key"], environ)
        run([LOCALAI, "approve", model, *terms], environ)
        yield environ
