"""A full disk: nothing half-done is in the store, and the error says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import contextlib
import sys
from pathlib import Path

from bring import DAY, SOURCE, bring
from localai.errors import StateError
from localai.manifest.schema import ArtifactFile
from localai.store.arrival import admit, arriving, clear
from localai.store.check import check_held
from localai.store.held import list_held
from localai.store.origin import Origin
from localai.store.state import State
from localai.store.steps import move, remove

place = Path(sys.argv[1])
store, filler = place / "state/store", place / "filler"
held = bring(store, "tiny", ("one.gguf", b"1" * 4096))


def fill():
    for piece in (bytes(1 << 16), b"0"):
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while file.write(piece):
                pass


with arriving(store, "late") as arrived:
    path = arrived / "late.gguf"
    path.write_bytes(b"3" * 4096)
    fill()  # the bytes are there, and what is written about them does not fit
    origin = Origin(SOURCE, DAY, (ArtifactFile("late.gguf", 4096, "a" * 64),))
    try:
        admit(store, "late", origin, [path])
    except StateError as error:
        print(error.message)
assert list_held(store) == (held,)
assert [one.name for one in (store / "incoming").iterdir()] == ["late"]
with contextlib.suppress(StateError):
    move(store, held, State.PROPOSED)
(held,) = list_held(store)
assert check_held(held).finding.summary == "intact"
clear(store)
remove(held)
assert list_held(store) == ()
print("removed")
"""


def test_a_full_disk(tmp_path: Path) -> None:
    uid, gid = os.getuid(), os.getgid()
    unshare = ["unshare", "-m"] if uid == 0 else ["unshare", "-Urm"]
    again = "" if uid == 0 else f"unshare -U --map-user={uid} --map-group={gid} "
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True)
    if probe.returncode:
        pytest.skip("no mount namespace can be had here: the full disk was not tested")
    mount = (
        f'mount -t tmpfs -o size=256k,mode=777 small "$1" || exit 99; exec {again}"$0" "$2" "$1"'
    )
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    place = tmp_path / "small"
    place.mkdir()
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))
    ran = subprocess.run(
        [*unshare, "sh", "-c", mount, sys.executable, str(place), str(script)],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    refused, removed = ran.stdout.splitlines()
    assert refused.endswith("No space left on device")
    assert removed == "removed"
