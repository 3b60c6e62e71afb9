"""An import that broke off goes on where it was, whatever broke it; what it left is not trusted."""

from __future__ import annotations

import os
import shutil
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from hosts import ONE, TODAY, TWO, Host

from killing import killed_at
from localai.errors import Exit, StateError
from localai.manifest.load import load_manifests
from localai.store.arrival import clear
from localai.store.check import check_held, check_store
from localai.store.held import find_held, list_held
from localai.store.state import State
from localai.store.steps import alone

DIGEST = sha256(ONE).hexdigest()

MOST = 600  # steps that one import may have


def part(host: Host) -> Path:
    (arriving,) = (host.store / "incoming").iterdir()
    return arriving / DIGEST


@pytest.fixture
def broken(bundle: Path, sealed: Host) -> Path:
    """The bundle, and a host to which 700 bytes of its first file came, and then no more."""
    raw = bundle.read_bytes()
    short = bundle.with_name("short")
    short.write_bytes(raw[: raw.index(ONE) + 700])
    assert sealed.imports(short) is Exit.REFUSED
    with part(sealed).open("ab") as file:
        file.write(ONE[len(part(sealed).read_bytes()) : 700])  # as far as the disk had it
    return bundle


def test_it_goes_on(broken: Path, sealed: Host) -> None:
    """What had arrived is not read again: here it could not be."""
    raw = broken.read_bytes()
    at = raw.index(ONE)
    broken.write_bytes(raw[:at] + b"?" * 700 + raw[at + 700 :])
    assert sealed.imports(broken) is Exit.DONE
    held = find_held(sealed.store, "tiny")
    assert [path.read_bytes() for path in held.paths] == [ONE, TWO]
    assert not list((sealed.store / "incoming").iterdir())


def test_what_had_arrived_is_hashed_again(broken: Path, sealed: Host) -> None:
    path = part(sealed)
    path.write_bytes(b"X" + ONE[1:700])
    with pytest.raises(StateError, match="was damaged after an earlier import"):
        sealed.imports(broken)
    assert not list_held(sealed.store)
    assert not path.exists()
    assert sealed.imports(broken) is Exit.DONE


def test_a_part_that_is_too_long_is_cut(broken: Path, sealed: Host) -> None:
    part(sealed).write_bytes(ONE + b"more")
    assert sealed.imports(broken) is Exit.DONE
    assert find_held(sealed.store, "tiny").paths[0].read_bytes() == ONE


def test_a_part_that_is_a_link_is_not_followed(broken: Path, sealed: Host, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    part(sealed).unlink()
    part(sealed).symlink_to(target)
    with pytest.raises(StateError):
        sealed.imports(broken)
    assert target.read_bytes() == b"precious"


def test_only_one_import_at_a_time(broken: Path, sealed: Host) -> None:
    with alone(part(sealed).parent):
        assert clear(sealed.store).busy  # gc leaves it alone
        with pytest.raises(StateError, match="another command is at work"):
            sealed.imports(broken)
    assert sealed.imports(broken) is Exit.DONE


def test_from_a_pipe_that_breaks(bundle: Path, sealed: Host) -> None:
    """The second time what had arrived is passed over, and the rest is taken."""
    raw = bundle.read_bytes()
    for end, code in ((raw.index(TWO) + 5, Exit.REFUSED), (len(raw), Exit.DONE)):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            left = memoryview(raw)[:end]
            while left:
                left = left[os.write(writer, left[:999]) :]
            os._exit(0)
        os.close(writer)
        try:
            assert sealed.imports(Path(f"/dev/fd/{reader}")) is code
        finally:
            os.close(reader)
            os.waitpid(child, 0)
    assert check_held(find_held(sealed.store, "tiny")).finding.summary == "intact"


def test_killed_between_any_two_steps(bundle: Path, sealed: Host, tmp_path: Path) -> None:
    """An artifact is there whole and approved, or not at all; the same import does the rest."""
    number, seen = 0, set[tuple[bool, bool]]()
    while True:
        host = Host(tmp_path / str(number))
        shutil.copytree(sealed.place, host.place)
        killed = killed_at(number, partial(host.imports, bundle))
        found = list_held(host.store)
        assert all(one.state is State.APPROVED for one in found)
        assert all(check_held(one).finding.summary == "intact" for one in found)
        assert not any(one.finding.refuses for one in check_store(host.store))
        manifests = load_manifests(host.places, TODAY)
        seen.add((bool(found), any(one.entries for one in manifests)))
        assert host.imports(bundle) is Exit.DONE
        assert check_held(find_held(host.store, "tiny")).finding.summary == "intact"
        clear(host.store)
        assert not list((host.store / "incoming").iterdir())
        shutil.rmtree(host.place)
        if not killed:
            break
        number += 1
        assert number < MOST
    assert number > 10, "it was never killed"
    # the manifest first, then the artifact that it lists
    assert seen == {(False, False), (False, True), (True, True)}
