"""A home in which a model was approved, and the command in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCALAI = (sys.executable, "-m", "localai")
TERMS = ("--source", "example/tiny", "--licence", "Apache-2.0", "--yes")
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
        }
        self.call("setup", "--label", "sandbox", "--unencrypted-key", check=True)
        self.call("approve", str(model), *TERMS, check=True)

    def call(self, *arguments: str, check: bool = False, **more: Any) -> Ran:
        """Run localai; ``environ`` is added to the home's own environment."""
        environ = {**self.environ, **more.pop("environ", {})}
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("cwd", self.place)
        ran = subprocess.run(
            [*LOCALAI, *arguments],
            env=environ,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            **more,
        )
        assert not check or ran.returncode == 0, ran.stderr.decode()
        return ran

    def run(self, *arguments: str, **more: Any) -> Ran:
        """``localai run`` with the approved model."""
        return self.call("run", str(self.model), *arguments, **more)

    def records(self) -> list[dict[str, Any]]:
        """Every record so far."""
        file = self.directory / "state" / "records.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
