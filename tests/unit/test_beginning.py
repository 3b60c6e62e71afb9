"""What was begun ahead and is not wanted is ended: no process and no descriptor is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# A start that comes as far as ``step``, and what is left of it: whether it has a child still, and
# what it has open.
START = """
import os, sys
from importlib import import_module
from pathlib import Path
from localai import beginning
from localai.egress.decoys import FILLED, OUTWARD, leave_decoys
from localai.places import Places

class Interrupt:
    def find_spec(self, name, *_):
        if name == step:
            raise KeyboardInterrupt

def opened():
    return {{fd for fd in range(1024) if os.path.exists(f"/proc/self/fd/{{fd}}")}}

base, step = Path(sys.argv[1]), sys.argv[2]
places = Places(base / "etc", False, base / "config", base / "state")
leave_decoys()
before = opened()
beginning.spawn_ahead()
try:
    if step != "spawned":
        sys.meta_path.insert(0, Interrupt())
        beginning.begin_ahead(places)
except KeyboardInterrupt:
    sys.meta_path.pop(0)
{forget}
try:
    os.waitpid(-1, os.WNOHANG)
    print("a process is left")
except ChildProcessError:
    print(*opened() - before, "nothing is left")
"""
STEPS = ("spawned", "localai.egress.proving", "localai.worker.process", "none: it goes on")


def run(step: str, place: Path, forget: str) -> str:
    command = [sys.executable, "-c", START.format(forget=forget), str(place), step]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("step", STEPS)
def test_what_was_spawned_is_ended(tmp_path: Path, step: str) -> None:
    assert run(step, tmp_path, "beginning.forget_beginning()") == "nothing is left"


def test_it_would_be_left(tmp_path: Path) -> None:
    assert run("spawned", tmp_path, "") == "a process is left"
