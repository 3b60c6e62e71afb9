"""What a forked child says of its end."""

from __future__ import annotations

import subprocess
import sys

import pytest

FORK = """
import os
from localai.sandbox import kernel

def work():
    raise {error}

print(os.waitstatus_to_exitcode(os.waitpid(kernel.fork(work), 0)[1]))
"""


@pytest.mark.parametrize(
    ("error", "said"), [("KeyboardInterrupt", False), ("SystemExit", False), ("OSError", True)]
)
def test_a_traceback_is_for_a_bug_and_for_no_interrupt(error: str, said: bool) -> None:
    """Ctrl-C reaches every process of a start: the launcher alone tells of it."""
    command = [sys.executable, "-c", FORK.format(error=error)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert ("Traceback" in done.stderr) is said
