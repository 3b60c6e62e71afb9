"""What a detection product sees of a start: processes that say what they are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localai.sandbox import kernel

# A start as far as a worker that is confined, and the names of all its processes
START = """
import sys, time
from pathlib import Path
from localai.beginning import Beginning
from localai.places import Places
from localai.sandbox import kernel
base = Path(sys.argv[1])
begun = Beginning(Places(base / "etc", False, base / "config", base / "state"))
begun.confine(gpu=False)
own = kernel.read_status()["Pid"]

def names():
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text("latin-1")
        except OSError:
            continue  # it has ended
        pid, name = text.split(" (")[0], text[text.index("(") + 1 : text.rindex(")")]
        parents[pid] = text[text.rindex(")") + 2 :].split()[1], name
    ours = {own}
    for _ in parents:
        ours |= {pid for pid, (parent, _) in parents.items() if parent in ours}
    return {parents[pid][1] for pid in ours - {own}}

until = time.monotonic() + 20
while "localai-worker" not in names() and time.monotonic() < until:
    time.sleep(0.02)  # a worker is an interpreter that starts first
print(Path("/proc/self/comm").read_text().strip(), *names())
begun.close()
"""


def test_every_process_of_a_start_says_what_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    launcher, *names = done.stdout.split()
    assert launcher == "localai"  # although it was started as Python
    assert set(names) == {"localai-lab", "localai-probe", "localai-victim", "localai-worker"}


@pytest.mark.parametrize(
    "command", ["sandbox exec -- cat", "selftest --layers"], ids=["guest", "layers"]
)
def test_whoever_begins_otherwise_says_so_too(tmp_path: Path, command: str) -> None:
    home = {"LOCALAI_HOME": str(tmp_path), "LOCALAI_ENVIRONMENT": "sandbox"}
    begun = subprocess.Popen(
        [sys.executable, "-m", "localai", *command.split()],
        env={**os.environ, **home},
        stdin=subprocess.PIPE,  # what the guest waits for
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    name, until = b"", time.monotonic() + 20
    while name != b"localai\n" and begun.poll() is None and time.monotonic() < until:
        name = Path(f"/proc/{begun.pid}/comm").read_bytes()
        time.sleep(0.01)
    begun.terminate()
    said, _ = begun.communicate(timeout=60)
    assert name == b"localai\n", said.decode()


def test_a_child_has_the_name_that_it_was_given() -> None:
    """Without one it keeps its parent's: so the test above could fail."""
    for name in ("localai-test", ""):
        reader, writer = os.pipe()
        own = Path("/proc/self/comm").read_bytes()
        child = kernel.fork(
            lambda writer=writer: os.write(writer, Path("/proc/self/comm").read_bytes()), name
        )
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader, "rb") as said:
            assert said.read() == (name.encode() + b"\n" if name else own)


def test_a_name_makes_no_line_of_a_status() -> None:
    """A process calls itself what it likes, and what is read of it decides."""
    script = """
from localai.sandbox import kernel
for end in (b"\\r", b"\\x0b", b"\\x0c", b"\\x1c", b"\\x1d", b"\\x1e", b"\\x85"):
    open("/proc/self/comm", "wb").write(b"x" + end + b"Made: up")
    status = kernel.read_status()
    assert "Made" not in status, status
    assert status["Name"] == (b"x" + end + b"Made: up").decode("latin-1")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
