"""Spools: what is left in a stand-in arrives, and what is not ours is never written to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from inside import do_inside

from localai.egress.probes import spools
from localai.egress.sinks import Sinks
from localai.egress.spools import open_spools
from localai.egress.standins import StandIns

NONCE = b"5ec7e75"
NAMES = {*spools.DIRECTORIES, *spools.FILES}


@pytest.fixture
def laboratory(tmp_path: Path) -> Path:
    (tmp_path / "laboratory").mkdir()
    return tmp_path / "laboratory"


def open_all(laboratory: Path, home: Path, kept: Path, *, mounts: bool) -> tuple[Sinks, StandIns]:
    os.umask(0)
    standins = StandIns(laboratory, [kept], mounts=mounts)
    sinks = Sinks(laboratory, os.urandom(3).hex(), private=False)
    open_spools(sinks, standins, home)
    return sinks, standins


def test_what_is_left_arrives(laboratory: Path, tmp_path: Path) -> None:
    sinks, standins = open_all(laboratory, tmp_path, tmp_path, mounts=False)
    assert standins.by_class == NAMES == {probe.name for probe in spools.PROBES}
    for number, probe in enumerate(spools.PROBES):
        nonce = b"%07x" % (0x1000000 + number)
        probe.attempt(sinks.targets[probe.sink], nonce)
        assert nonce in sinks.drain(), probe.name
    sinks.close()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_is_not_ours_is_left_alone(name: str, laboratory: Path, tmp_path: Path) -> None:
    sinks, _ = open_all(laboratory, tmp_path, tmp_path, mounts=False)
    probe = next(probe for probe in spools.PROBES if probe.name == name)
    ours = sinks.targets[name]
    theirs = tmp_path / "theirs"
    theirs.mkdir() if name in spools.DIRECTORIES else theirs.touch()
    with pytest.raises(RuntimeError, match="is not ours"):
        probe.attempt({**ours, "path": str(theirs)}, NONCE)
    assert not any(theirs.iterdir()) if theirs.is_dir() else not theirs.read_bytes()
    assert NONCE not in sinks.drain()
    sinks.close()


@pytest.mark.parametrize("kept", ["state", "home/Dropbox/state"])
def test_a_synced_folder_is_covered_unless_we_need_it(
    kept: str, laboratory: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "Dropbox"
    for directory in (folder, tmp_path / kept):
        directory.mkdir(parents=True)
    probe = next(probe for probe in spools.PROBES if probe.name == "synced-folder")

    def work() -> list[Any]:
        # What is kept stays in sight: the home as well, if this test lies in a covered directory.
        sinks, standins = open_all(laboratory, folder.parent, tmp_path / kept, mounts=True)
        target = sinks.targets["synced-folder"]
        probe.attempt(target, NONCE)
        covered = target["path"] == str(folder)
        return [covered, "synced-folder" in standins.by_class, NONCE in sinks.drain()]

    covered, by_class, arrived = do_inside(laboratory, "mnt", work)
    assert arrived
    assert by_class == (not covered)
    assert not list(folder.glob(NONCE.decode()))
    if kept.startswith("home"):
        assert by_class
