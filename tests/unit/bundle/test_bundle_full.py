"""A full disk, on either side: nothing half-done is there, and the error says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import FILES, Host, Officer, lists

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCRIPT = """
import contextlib
import sys
from pathlib import Path

from hosts import Host
from localai.bundle import taking, writing
from localai.errors import Exit, StateError
from localai.store import arrival
from localai.store.arrival import clear
from localai.store.check import check_held
from localai.store.held import list_held

small, bundle, roomy = Path(sys.argv[1]), Path(sys.argv[2]), Host(Path(sys.argv[3]))
filler = small / "filler"
sealed = Host(small / "sealed")
root = [(roomy.places.config / name).read_bytes() for name in ("root.json", "root.dsse.json")]
sealed.place.mkdir()
sealed.trusts(tuple(root))


def fill(rest=0):
    for piece in (bytes(1 << 16), bytes(512)):
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while file.write(piece):
                pass
    if rest:
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - rest)


def fails(act):
    try:
        act()
    except StateError as error:
        return error.message
    raise AssertionError("it did not fail")


print(fails(lambda: sealed.imports(bundle)))
arrival.RESERVE = 0  # a disk of 1 MiB has none
# there is too little room from the beginning
fill(rest=40 << 10)
print(fails(lambda: sealed.imports(bundle)))
print(fails(lambda: roomy.creates("tiny", "large", out=small / "out")))
# there is enough room, and then somebody else takes it
filler.unlink()
check_free, check_room = writing.check_free, taking.check_room


def and_take_it(look):
    def look_and_take(directory, size):
        look(directory, size)
        fill(rest=40 << 10)

    return look_and_take


taking.check_room, writing.check_free = and_take_it(check_room), and_take_it(check_free)
print(fails(lambda: sealed.imports(bundle)))
filler.unlink()
print(fails(lambda: roomy.creates("tiny", "large", out=small / "out")))
assert sorted(path.name for path in small.iterdir()) == ["filler", "sealed"]
assert list_held(sealed.store) == ()
assert not (sealed.places.manifests / "agency.yaml").exists()
filler.unlink()
taking.check_room, writing.check_free = check_room, check_free
assert sealed.imports(bundle) is Exit.DONE
assert [check_held(one).finding.summary for one in list_held(sealed.store)] == ["intact"] * 2
clear(sealed.store)
"""


def test_a_full_disk(staging: Host, officer: Officer, tmp_path: Path) -> None:
    uid, gid = os.getuid(), os.getgid()
    unshare = ["unshare", "-m"] if uid == 0 else ["unshare", "-Urm"]
    again = "" if uid == 0 else f"unshare -U --map-user={uid} --map-group={gid} "
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True)
    if probe.returncode:
        pytest.skip("no mount namespace can be had here: the full disk was not tested")
    large = ("large.gguf", os.urandom(200 << 10))
    staging.brings("large", [large])
    both = lists(*FILES), lists(large, entry="large")
    staging.has_manifest(officer.manifest(*both, version=2))
    bundle = staging.creates("tiny", "large")
    place, script = tmp_path / "small", tmp_path / "script.py"
    place.mkdir()
    script.write_text(SCRIPT)
    mount = f'mount -t tmpfs -o size=1m,mode=777 x "$1" || exit 99; shift; exec {again}"$0" "$@"'
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests", HERE)))
    asked = (sys.executable, place, script, place, bundle, staging.place)
    ran = subprocess.run(
        [*unshare, "sh", "-c", mount, *asked],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    reserved, early, early_out, late, late_out, *_ = ran.stdout.splitlines()
    assert "must stay free" in reserved
    assert "not enough room" in early
    assert "are needed" in early_out
    assert late.endswith("No space left on device")
    assert late_out.endswith("No space left on device")
