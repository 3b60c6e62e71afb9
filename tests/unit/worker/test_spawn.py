"""A worker is the launcher's to end, from its first moment on."""

from __future__ import annotations

import subprocess
import sys

INTERRUPTED = """
import os, signal
from localai.worker.spawn import spawn

started = spawn({})
os.kill(started.pid, signal.SIGINT)
os.close(started.requests)  # it ends by itself once its launcher is gone
print(os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1]))
"""


def test_an_interrupt_does_not_end_a_worker_that_has_only_just_begun() -> None:
    """A terminal sends it to every process of a command."""
    run = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("0\n", "")
