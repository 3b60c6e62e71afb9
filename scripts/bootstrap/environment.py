"""The virtual environment ``.venv``: making it, and installing localai into it.

``.venv/localai-steps/`` holds one stamp for each step that is done, and ``busy`` while one is under
way. pip can leave half a package behind when it is killed or the disk is full, and takes it for
installed later: where ``busy`` is found, the environment is made anew.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bootstrap.commands import run_logged
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout, write_whole
from bootstrap.pip import Pip
from bootstrap.screen import Step

VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


class Environment:
    """One checkout's virtual environment."""

    def __init__(self, checkout: Checkout, environ: Mapping[str, str]) -> None:
        self._checkout = checkout
        self._environ = environ
        self._steps = checkout.venv / "localai-steps"
        self._busy = self._steps / "busy"
        self._adopted = self._steps / "adopted"

    def is_made(self) -> bool:
        """Whether the environment is there, finished, and for the Python that it was made with."""
        return not self._busy.exists() and self._stamp("made") == self._made_key()

    def is_installed(self, extra: str = "") -> bool:
        """Whether localai is installed as ``pyproject.toml`` now wants it."""
        return self.is_made() and self._stamp(f"installed{extra}") == self._install_key()

    def make(self) -> None:
        """Make the environment if it is not there, or was left half-made."""
        step = Step("environment")
        if self.is_made() or self._adopt():
            step.end(".venv is there")
            return
        outcome = ".venv made"
        if self._checkout.venv.exists():
            outcome = self._set_aside()
        self._steps.mkdir(parents=True)
        self._busy.touch()
        log = self._steps / "venv.log"
        status = run_logged(
            [sys.executable, "-I", "-m", "venv", self._checkout.venv],
            log=log,
            environ=self._environ,
            step=step,
            doing=lambda _: "making .venv",
        )
        if status:
            step.end("failed")
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise CannotError(
                f"{sys.executable} could not make .venv: {' '.join(last) or status}",
                "try another interpreter: PYTHON=/path/to/python3 scripts/quickstart",
            )
        write_whole(self._steps / "made", self._made_key())
        self._busy.unlink()
        step.end(outcome)

    def install(self, *, extra: str = "", wheels: Path | None = None) -> None:
        """Install localai from this checkout, editable, its engine, and what both depend on.

        With ``wheels`` everything comes from that folder, each file held to its SHA-256, and
        nothing is compiled or fetched.
        """
        step = Step("localai")
        if self.is_installed(extra):
            step.end("is installed")
            return
        pip = Pip(self._checkout.venv, self._environ, offline=wheels is not None)
        self._busy.touch()
        try:
            if wheels is None:
                extras = f"engine,{extra}" if extra else "engine"
                target = f"{self._checkout.root}[{extras}]"
                pip.run(step, "install localai", "install", "--editable", target)
            else:
                self._install_wheels(pip, step, wheels)
        except CannotError:
            if self._adopted.exists():  # not ours to make anew: left as pip left it
                self._busy.unlink()
            raise
        for done in ("", extra):
            write_whole(self._steps / f"installed{done}", self._install_key())
        self._busy.unlink()
        step.end("installed")

    def _install_wheels(self, pip: Pip, step: Step, wheels: Path) -> None:
        source = ("--no-index", "--find-links", wheels)
        held = ("--require-hashes", "--only-binary=:all:", "-r", wheels / "requirements.txt")
        pip.run(step, f"install from {wheels}", "install", *source, *held)
        # The checkout itself has no hash to hold it to; what builds it was held to one above.
        built_here = ("--no-deps", "--no-build-isolation", "--editable", self._checkout.root)
        pip.run(step, "install localai", "install", "--no-index", *built_here)
        pip.run(step, "find all that localai depends on in the folder", "check")

    def _adopt(self) -> bool:
        """Take an environment that somebody made by hand, if its Python will do."""
        found = self._made_key().splitlines()[-1]
        if self._steps.exists() or not re.fullmatch(r"3\.(1[1-9]|[2-9]\d)", found):
            return False
        self._steps.mkdir()
        self._adopted.touch()
        write_whole(self._steps / "made", self._made_key())
        return True

    def _set_aside(self) -> str:
        """Remove an environment of ours that is unfinished or stale, and say why."""
        venv = self._checkout.venv
        ours = self._steps.is_dir() and not self._adopted.exists()
        if not ours and any(venv.iterdir()):
            raise CannotError(
                f"{venv} was not made by these scripts, and is unfinished or for another Python",
                "move it away and run this again",
            )
        interrupted = self._busy.exists()
        removed = self._checkout.home / "removed-venv"
        shutil.rmtree(removed, ignore_errors=True)
        removed.parent.mkdir(exist_ok=True)
        venv.rename(removed)  # at once, so that no half-removed .venv is ever met
        shutil.rmtree(removed)
        why = "the last run did not end" if interrupted else "Python or the folder changed"
        return f".venv made anew ({why})"

    def _stamp(self, name: str) -> str:
        try:
            return (self._steps / name).read_text(encoding="utf-8")
        except OSError:
            return ""

    def _made_key(self) -> str:
        """The folder (a venv cannot be moved) and the version that its interpreter has now."""
        try:
            answer = subprocess.run(
                [self._checkout.python, "-I", "-c", VERSION],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return f"{self._checkout.root}\nno python\n"
        return f"{self._checkout.root}\n{answer.stdout}"

    def _install_key(self) -> str:
        return hashlib.sha256(self._checkout.project.read_bytes()).hexdigest() + "\n"
