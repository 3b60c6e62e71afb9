"""The decoys: what `localai run` starts has them, or probes of open descriptors prove nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from localai.egress.decoys import FILLED, OUTWARD

BEGIN = """
import os, sys
from pathlib import Path
from localai.beginning import Beginning
from localai.places import find_places
begun = Beginning(find_places({}, Path(sys.argv[1]), Path(sys.argv[1], "etc")))
for descriptor in sys.argv[2:]:
    print(os.readlink(f"/proc/{begun.worker.pid}/fd/{descriptor}").partition(":")[0])
begun.close()
"""


def test_a_worker_starts_with_the_decoys_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BEGIN, str(tmp_path), str(OUTWARD), str(FILLED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["socket", "socket"], done.stderr
