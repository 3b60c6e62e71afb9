"""A home in which a model was approved, and the command in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from copy import copy
from pathlib import Path
from typing import Any

import pytest

LOCALAI = (sys.executable, "-m", "localai")
TERMS = ("--source", "example/tiny", "--licence", "Apache-2.0", "--yes")
STARTS = ("run", "check")
SHORT = ("hi", "-n", "4", "--temperature", "0")
Ran = subprocess.CompletedProcess[bytes]


class Home:
    """A set-up home with an approved model in it."""

    def __init__(self, place: Path, model: Path) -> None:
        self.place = place
        self.model = model
        self.directory = place / "home"
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self.environ = {
            **kept,
            "LOCALAI_HOME": str(self.directory),
            "HOME": str(place),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "COLUMNS": "100",
            "TMPDIR": str(place / "tmp"),
        }
        (place / "tmp").mkdir()
        self.call("setup", "--label", "sandbox", "--unencrypted-key", check=True)
        self.call("approve", str(model), *TERMS, check=True)

    def copy(self, place: Path) -> Home:
        """The same home at another place, to be spoiled there."""
        other = copy(self)
        other.place, other.directory = place, place / "home"
        shutil.copytree(self.directory, other.directory)
        (place / "tmp").mkdir()
        moved = {"LOCALAI_HOME": other.directory, "HOME": place, "TMPDIR": place / "tmp"}
        other.environ = self.environ | {name: str(path) for name, path in moved.items()}
        return other

    def call(self, *arguments: str, check: bool = False, **more: Any) -> Ran:
        """Run localai; ``environ`` is added to the home's own environment, ``wrap`` is a command
        that runs it."""
        wrap = more.pop("wrap", ())
        environ = {**self.environ, **more.pop("environ", {})}
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("cwd", self.place)
        ran = subprocess.run(
            [*wrap, *LOCALAI, *arguments],
            env=environ,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            **more,
        )
        assert not check or ran.returncode == 0, (ran.stdout or b"") + ran.stderr
        return ran

    def run(self, *arguments: str, **more: Any) -> Ran:
        """``localai run`` with the approved model."""
        return self.call("run", str(self.model), *arguments, **more)

    def refuses(
        self, *arguments: str, code: int, problem: str, remedy: str, **more: Any
    ) -> list[dict[str, Any]]:
        """Run localai, which must end with ``code`` and these words, change nothing but its
        records, and leave no process behind. Returns the new records."""
        before, known = self.files(), len(self.records())
        more["environ"] = {"COLUMNS": "1000", **more.get("environ", {})}
        ran = self.call(*arguments, **more)
        said = ((ran.stdout or b"") + ran.stderr).decode(errors="replace")
        assert ran.returncode == code, said
        assert problem in said, said
        assert remedy in said, said
        assert "Traceback" not in said
        assert self.files() == before
        assert wait_for_processes() == []
        return self.records()[known:]

    def files(self) -> dict[str, bytes | str]:
        """Everything in the home and in its temporary directory, but for the records and the
        versions seen."""
        return {
            str(path): path.read_bytes() if path.is_file() else str(path.stat().st_mode)
            for top in (self.directory, self.place / "tmp")
            for path in sorted(top.rglob("*"))
            if path.name not in ("state", "records.jsonl", "floors.json", "floors.lock")
        }

    def records(self) -> list[dict[str, Any]]:
        """Every record so far."""
        file = self.directory / "state" / "records.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def start(home: Home, command: str) -> list[str]:
    """The arguments of a start, of either kind, with the approved model."""
    return [command, str(home.model), *(SHORT if command == "run" else ())]


def in_full_file_system(directory: Path, size: str = "64k") -> list[str]:
    """A command that runs another one where ``directory`` is a full file system, which only it
    sees; what lies in there at the end is listed on stdout."""
    uid, gid = os.getuid(), os.getgid()
    again = "" if uid == 0 else f"unshare -U --map-user={uid} --map-group={gid} "
    script = (
        f'mount -t tmpfs -o size={size},mode=777 full "{directory}" || exit 99; '
        f'dd if=/dev/zero of="{directory}/filler" bs=1k 2>/dev/null; '
        f'{again}"$@"; code=$?; ls -A "{directory}"; exit $code'
    )
    unshare = ["unshare", "-m"] if uid == 0 else ["unshare", "-Urm"]
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True)
    if probe.returncode:
        pytest.skip("no mount namespace can be had here: the full disk was not tested")
    return [*unshare, "sh", "-c", script, "sh"]


# A shell sees 130 either way: CPython ends by the signal itself where the interrupt met it inside
# eval(), which makes a named tuple, although it was caught.
INTERRUPTED = (130, -signal.SIGINT)


def wait_for_processes(patience_s: float = 10) -> list[str]:
    """The command lines of processes that were left to this one and do not end by themselves.

    Orphans come here where this process is a subreaper (fixture ``subreaper``).
    """
    until = time.monotonic() + patience_s
    while (left := _children()) and time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.01)
    return left


def _children() -> list[str]:
    listed = Path("/proc/self/task").glob("*/children")
    children = [pid for one in listed for pid in one.read_text().split()]
    found = []
    for pid in children:
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            found.append(f"{pid} {line.replace(bytes(1), b' ').decode()}")
    return found
