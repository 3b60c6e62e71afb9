"""Mutants: copies of localai in which one thing was taken away, and what their self-test says.

The change is made in the source text, so nothing in localai has to offer a switch for it, and
launcher, laboratory and worker all run the changed copy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from queue import Queue
from typing import NamedTuple

import typing_extensions

import localai

PACKAGE = Path(localai.__file__).parent
SELF_TEST = Path(__file__).with_name("self_test.py")


class Mutant(NamedTuple):
    """``old`` becomes ``new`` in ``file``, where it must stand exactly once."""

    file: str
    old: str
    new: str


Mutants = tuple[Mutant, ...]


class Verdicts(NamedTuple):
    """What the gates ``sandbox`` and ``sandbox-egress`` say, each verdict and its evidence; which
    probes were blocked, and which namespaces this host grants."""

    verdicts: Mapping[str, str]
    evidence: str
    blocked: frozenset[str]
    namespaces: frozenset[str]

    @property
    def passed(self) -> bool:
        return set(self.verdicts.values()) <= {"pass", "note"}


class Workshop:
    """Copies of localai, one for each processor, in which mutants are made and unmade. ``always``
    are made in all of them for good."""

    def __init__(self, directory: Path, always: Mutants = ()) -> None:
        self._places: Queue[Path] = Queue()
        for number in range(os.cpu_count() or 1):
            place = directory / f"copy-{number}"
            ignored = shutil.ignore_patterns("*.pyc.*")  # half-written by somebody's Python
            shutil.copytree(PACKAGE, place / "source" / PACKAGE.name, ignore=ignored)
            for mutant in always:
                _change(place / "source" / PACKAGE.name / mutant.file, mutant)
            _make_python(place)
            self._places.put(place)

    @cached_property
    def unchanged(self) -> Verdicts:
        """What the self-test says with nothing taken away."""
        return self.run_self_test()

    def run_self_tests(self, mutants: Mapping[str, Mutants]) -> dict[str, Verdicts]:
        """The verdicts of a whole self-test in each of many changed copies, by name."""
        with ThreadPoolExecutor(self._places.qsize()) as pool:
            started = {
                name: pool.submit(self.run_self_test, some) for name, some in mutants.items()
            }
            return {name: future.result() for name, future in started.items()}

    def run_self_test(self, mutants: Mutants = ()) -> Verdicts:
        """The verdicts of a whole self-test in a copy that ``mutants`` have changed."""
        done = self.run(mutants, lambda place: [str(SELF_TEST), str(place)])
        assert done.returncode == 0, done.stderr
        verdicts, evidence, blocked, namespaces = json.loads(done.stdout)
        return Verdicts(verdicts, evidence, frozenset(blocked), frozenset(namespaces))

    def run(
        self,
        mutants: Mutants,
        arguments: Callable[[Path], list[str]],
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in a copy that ``mutants`` have changed; ``arguments`` are told where."""
        place = self._places.get()
        source = place / "source" / PACKAGE.name
        originals = {source / mutant.file: (source / mutant.file).read_text("utf-8")
                     for mutant in mutants}  # fmt: skip
        try:
            for mutant in mutants:
                _change(source / mutant.file, mutant)
            command = [str(place / "bin" / "python"), "-I", "-B", *arguments(place)]
            return subprocess.run(
                command, env=environ, capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            for path, text in originals.items():
                path.write_text(text, "utf-8")
            self._places.put(place)


def _change(path: Path, mutant: Mutant) -> None:
    text = path.read_text("utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.file}: {mutant.old!r} is not there just once"
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")


def _make_python(place: Path) -> None:
    """A Python that finds ``source`` first, and all packages of this one (see venv's
    pyvenv.cfg and site's .pth files)."""
    binary = place / "bin" / "python"
    binary.parent.mkdir()
    binary.symlink_to(Path(sys.executable).resolve())
    (place / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = place / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    # A worker may read whole packages wherever they lie, single modules only beside its Python.
    shutil.copy2(typing_extensions.__file__, packages)
    others = [path for path in sys.path if path.endswith("-packages")]
    (packages / "mutant.pth").write_text("\n".join([str(place / "source"), *others]) + "\n")
