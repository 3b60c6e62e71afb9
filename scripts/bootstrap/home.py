"""Homes (LOCALAI_HOME) for the demo and for a model of one's own, and the run in them."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.errors import CannotError
from bootstrap.paths import Checkout, write_whole
from bootstrap.screen import Step, say

LABEL_DAYS = 80  # a self-declared label lapses after 90
DAY = 86_400


class DemoHome:
    """The demo's own LOCALAI_HOME: the label, the pinned root of trust, the signed manifest."""

    def __init__(self, checkout: Checkout, environ: Mapping[str, str], machine_id: bytes) -> None:
        self._checkout = checkout
        self._localai = checkout.venv / "bin" / "localai"
        self._environ = {**environ, "LOCALAI_HOME": str(checkout.home)}
        self._config = checkout.home / "config"
        self._stamp = checkout.home / "made"
        self._key = _home_key(checkout, machine_id)

    def make(self, now: float) -> None:
        """Make the home if there is none that is finished, and for this manifest and machine."""
        step = Step("demo home")
        name = self._checkout.home.name
        if self._is_current(now):
            step.end(f"{name} is there")
            return
        if self._config.exists():
            self._set_aside()
        manifests = self._config / "manifests"
        manifests.mkdir(mode=0o700, parents=True)
        for file in ("allowlist.yaml", "allowlist.dsse.json"):
            shutil.copyfile(self._checkout.manifests / file, manifests / file)
        self._call(step, "trust", "init", self._checkout.manifests / "root.json")
        self._call(step, "env", "set", "sandbox")
        write_whole(self._stamp, self._key)
        step.end(f"{name} made: label sandbox, root of trust pinned from manifests/demo")

    def _is_current(self, now: float) -> bool:
        try:
            written = self._stamp.stat().st_mtime
            return self._stamp.read_text() == self._key and now - written < LABEL_DAYS * DAY
        except OSError:
            return False

    def _set_aside(self) -> None:
        """Keep an older home's files beside the new one's: they may hold records, and changes."""
        name = f"before-{time.time_ns()}"
        for folder in ("config", "state"):
            old = self._checkout.home / folder
            if old.exists():
                old.rename(old.with_name(f"{folder}.{name}"))

    def _call(self, step: Step, *arguments: str | Path) -> None:
        answer = subprocess.run(
            [self._localai, *arguments],
            env=self._environ,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if answer.returncode:
            step.end("failed")
            say(answer.stderr.rstrip())
            command = shlex.join(map(str, arguments))
            raise CannotError(
                f"localai {command} failed (exit {answer.returncode})", "its message stands above"
            )


def _home_key(checkout: Checkout, machine_id: bytes) -> str:
    """Changes with the checkout's demo manifest and with the machine: a label is bound to it."""
    digest = hashlib.sha256(machine_id)
    for file in sorted(checkout.manifests.iterdir()):
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest() + "\n"


def show(home: Path, command: Sequence[str]) -> None:
    """Print a command as it could be typed here."""
    here = f"{Path.cwd()}/"
    words = [word.removeprefix(here) for word in command]
    say(f"\n$ LOCALAI_HOME={shlex.quote(str(home).removeprefix(here))} {shlex.join(words)}\n")


def approve_model(checkout: Checkout, environ: Mapping[str, str], home: Path, model: Path) -> None:
    """Have a model of the user's own approved, by the user, in a home apart from the demo's."""
    localai = str(checkout.venv / "bin" / "localai")
    moved = {**environ, "LOCALAI_HOME": str(home)}
    step = Step("approval")
    approved = subprocess.run(
        [localai, "verify", str(model)],
        env=moved,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if approved.returncode == 0:
        step.end(f"{model.name} is approved")
        return
    command = [localai, "approve", str(model)]
    step.end(f"{model.name} is not the demo model: it needs yours")
    show(home, command)
    if code := subprocess.run(command, env=moved, check=False).returncode:
        raise CannotError(
            f"{model.name} was not approved (exit {code})",
            "run the command above with the options that it asks for",
        )


def run_model(
    checkout: Checkout, environ: Mapping[str, str], home: Path, model: Path, prompt: str
) -> None:
    """Become ``localai run``; never returns."""
    localai = checkout.venv / "bin" / "localai"
    command = [str(localai), "run", str(model), *(["-p", prompt] if prompt else [])]
    show(home, command)
    os.execve(localai, command, {**environ, "LOCALAI_HOME": str(home)})  # noqa: S606
