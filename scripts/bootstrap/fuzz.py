"""scripts/fuzz: give what reads strangers' files inputs by the million, with atheris.

The targets lie in ``tests/fuzzing``; atheris gets an environment of its own, since it fits neither
every Python nor every processor that localai runs on.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.commands import run_logged
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout, write_whole
from bootstrap.pip import Pip
from bootstrap.screen import Step, say

RUNS, SECONDS = 100_000, 600
PROGRESS = re.compile(r"^#(\d+)\t", re.MULTILINE)
EXECUTED = re.compile(r"^stat::number_of_executed_units: (\d+)$", re.MULTILINE)
DEFECT = re.compile(r"Test unit written to (\S+)")
LEAST = ("cramjam", "jinja2", "pyyaml")  # of what localai depends on, what the targets import


def fuzz(checkout: Checkout, environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Fuzz the targets that were asked for; 1 if a defect was found."""
    known = targets(checkout)
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="Give what reads strangers' files inputs by the million. A defect is an "
        "exception that is no refusal, more than a second for one input, or more memory than is "
        "promised; the input is kept in .fuzz/TARGET/defects.",
        epilog=f"targets: {', '.join(known)}; all",
    )
    parser.add_argument("target", metavar="TARGET", choices=(*known, "all"))
    parser.add_argument("inputs", nargs="*", type=Path, metavar="FILE", help="only try these")
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"default: {RUNS}")
    parser.add_argument(
        "--seconds", type=int, default=SECONDS, metavar="S", help=f"at most; default: {SECONDS}"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    asked = parser.parse_args(arguments)
    fuzzer = Fuzzer(checkout, environ)
    fuzzer.make()
    chosen = known if asked.target == "all" else (asked.target,)
    if asked.inputs:
        return max(fuzzer.replay(name, asked.inputs) for name in chosen)
    limits = (f"-runs={asked.runs}", f"-max_total_time={asked.seconds}", f"-seed={asked.seed}")
    return max(fuzzer.run(name, limits) for name in chosen)


def targets(checkout: Checkout) -> tuple[str, ...]:
    """The names in ``TARGETS`` of ``tests/fuzzing``, read without importing it."""
    tree = ast.parse((checkout.root / "tests" / "fuzzing" / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TARGETS":
            return tuple(ast.literal_eval(node.value))
    raise CannotError("tests/fuzzing names no targets", "restore it with git")


class Fuzzer:
    """atheris in ``.fuzz/venv``, and a folder for each target beside it."""

    def __init__(self, checkout: Checkout, environ: Mapping[str, str]) -> None:
        self._checkout = checkout
        self._place = checkout.root / ".fuzz"
        self._venv = self._place / "venv"
        self._given = environ
        path = f"{checkout.root / 'src'}:{checkout.root / 'tests'}"
        self._environ = {**environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def make(self) -> None:
        """Make the environment, unless it is there and has all that is wanted."""
        step = Step("environment")
        wanted = self._wanted()
        stamp = self._venv / "wanted"
        if stamp.exists() and stamp.read_text("utf-8") == "\n".join(wanted):
            step.end(".fuzz/venv is there")
            return
        shutil.rmtree(self._venv, ignore_errors=True)
        self._place.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-I", "-m", "venv", self._venv], check=True)
        Pip(self._venv, self._given).run(step, "install atheris", "install", *wanted)
        write_whole(stamp, "\n".join(wanted))
        step.end(".fuzz/venv made")

    def run(self, name: str, limits: Sequence[str]) -> int:
        """Fuzz one target; 1 if a defect was found."""
        folder = self._place / name
        folder.mkdir(exist_ok=True)
        step, log = Step(name), folder / "log"
        status = run_logged(
            [*self._command(name), *limits],
            log=log,
            environ=self._environ,
            step=step,
            doing=_progress,
        )
        text = log.read_text("utf-8", errors="replace")
        executed = EXECUTED.search(text)
        step.end(f"{int(executed[1]) if executed else 0:,} inputs")
        if status:
            _explain(text, name)
            return 1
        self._show_coverage(name)
        return 0

    def replay(self, name: str, inputs: Sequence[Path]) -> int:
        """Give one target these files; 1 if one of them shows a defect."""
        command = [*self._command(name), "--replay", *(path.absolute() for path in inputs)]
        done = subprocess.run(command, env=self._environ, check=False)
        say(f"  {name:<12} {'a defect' if done.returncode else 'no defect'}")
        return 1 if done.returncode else 0

    def _show_coverage(self, name: str) -> None:
        command = [*self._command(name), "--cover"]
        done = subprocess.run(command, env=self._environ, check=False, stdout=subprocess.PIPE)
        if done.returncode:
            raise CannotError("the corpus could not be run again", f"remove .fuzz/{name}/corpus")
        for module, found in json.loads(done.stdout).items():
            (lines, of_lines), (branches, of_branches) = found["lines"], found["branches"]
            say(f"    {module}: {lines} of {of_lines} lines, {branches} of {of_branches} branches")

    def _command(self, name: str) -> list[str | Path]:
        return [self._venv / "bin" / "python", "-m", "fuzzing", name, self._place / name]

    def _wanted(self) -> list[str]:
        project = tomllib.loads(self._checkout.project.read_text("utf-8"))["project"]
        needed = [line for line in project["dependencies"] if line.startswith(LEAST)]
        return [*needed, *project["optional-dependencies"]["fuzz"]]


def _progress(log: str) -> str:
    found = PROGRESS.findall(log)
    return f"{int(found[-1]):,} inputs" if found else "starting"


def _explain(log: str, name: str) -> None:
    """The exception, and the file that holds the input."""
    lines = log.splitlines()
    begin = next(
        (at for at, line in enumerate(lines) if "Uncaught Python" in line), len(lines) - 15
    )
    end = next((at for at in range(begin, len(lines)) if lines[at].startswith("==")), len(lines))
    say("\n".join("    " + line for line in lines[begin:end]))
    kept = DEFECT.search(log)
    say(f"    try it again: scripts/fuzz {name} {kept[1] if kept else ''}")
