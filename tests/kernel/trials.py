"""Workers for the kernel tests: real layers, real probes, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

TRIAL = Path(__file__).with_name("trial.py")
Outcomes = dict[str, str]


def run_trial(**asked: Any) -> dict[str, Any]:
    """What became of one worker. Fails the test if it could not be had."""
    done = subprocess.run(
        [sys.executable, str(TRIAL), json.dumps(asked)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@cache
def full_trial(withheld: tuple[str, ...] = ()) -> dict[str, Any]:
    return run_trial(withheld=withheld)
