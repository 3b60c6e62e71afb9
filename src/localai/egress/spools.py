"""The sinks of spools and their like: directories and pipes of ours at well-known paths."""

from __future__ import annotations

import os
from pathlib import Path

from localai.egress.probes.probe import Target
from localai.egress.probes.spools import DIRECTORIES, FILES
from localai.egress.sinks import Sinks, follow
from localai.egress.standins import StandIns

_FIRST_BYTES = 128
_MOST_FILES = 64


def open_spools(sinks: Sinks, standins: StandIns, home: Path) -> None:
    """Have them all where they can be had; ``home`` is the account's home directory."""
    for name, path in DIRECTORIES.items():
        open_directory(sinks, standins, name, path.format(uid=os.getuid(), home=home))
    for name, path in FILES.items():
        open_pipe(sinks, standins, name, path)


def open_directory(sinks: Sinks, standins: StandIns, name: str, path: str) -> None:
    """A directory at ``path`` that everybody may leave files in, and they are the sink ``name``."""
    place = Path(standins.make(name, path, lambda where: os.mkdir(where, 0o777)))  # noqa: PTH102
    sinks.targets[name] = recognise(place)
    sinks.add(lambda: b"\n".join(map(_look, sorted(place.iterdir())[:_MOST_FILES])))


def open_pipe(sinks: Sinks, standins: StandIns, name: str, path: str) -> None:
    """A named pipe at ``path``, and what is written to it is what the sink ``name`` takes in."""
    place = Path(standins.make(name, path, lambda where: os.mkfifo(where, 0o666)))
    sinks.targets[name] = recognise(place)
    end = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    sinks.add(follow(end))


def recognise(place: Path) -> Target:
    """A stand-in's path, and what whoever aims at it knows it by."""
    found = place.stat()
    return {"path": str(place), "device": found.st_dev, "inode": found.st_ino}


def _look(path: Path) -> bytes:
    with path.open("rb") as file:
        return os.fsencode(path.name) + b"\n" + file.read(_FIRST_BYTES)
