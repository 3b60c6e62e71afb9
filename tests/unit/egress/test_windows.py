"""WSL: stand-ins where Windows would listen, on Microsoft's kernels and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from inside import do_inside

from localai.egress.probes import windows
from localai.egress.probes.probe import text
from localai.egress.sinks import Sinks
from localai.egress.standins import StandIns
from localai.egress.windows import open_windows
from localai.sandbox import kernel

WSL2, WSL1 = "5.15.153.1-microsoft-standard-WSL2", "4.4.0-19041-Microsoft"
NAMES = {probe.name for probe in windows.PROBES}


def open_all(directory: Path, release: str, *, mounts: bool) -> tuple[Sinks, StandIns]:
    os.umask(0)
    standins = StandIns(directory, [], mounts=mounts)
    sinks = Sinks(directory, os.urandom(3).hex(), private=False)
    open_windows(sinks, standins, directory, release)
    return sinks, standins


def send_all(sinks: Sinks) -> list[str]:
    """Try every probe, each in a child; the names of those that arrived."""
    arrived = []
    for number, probe in enumerate(windows.PROBES):
        nonce = b"%07x" % (0x1000000 + number)
        target = sinks.targets[probe.sink]
        child = kernel.fork(lambda probe=probe, target=target, nonce=nonce:  # type: ignore[misc]
                            probe.attempt(target, nonce))  # fmt: skip
        os.waitpid(child, 0)
        if nonce in sinks.drain():
            arrived.append(probe.name)
    return arrived


def test_elsewhere_nothing_is_sent(tmp_path: Path) -> None:
    sinks, _ = open_all(tmp_path, "6.18.0-generic", mounts=False)
    assert set(sinks.unsafe) >= NAMES
    assert not NAMES & set(sinks.targets)
    sinks.close()


@pytest.mark.parametrize("release", [WSL1, WSL2])
def test_without_mounts_all_arrive_by_class(release: str, tmp_path: Path) -> None:
    sinks, standins = open_all(tmp_path, release, mounts=False)
    assert send_all(sinks) == [probe.name for probe in windows.PROBES]
    assert standins.by_class == NAMES
    assert not NAMES & set(sinks.unsafe)
    sinks.close()


def test_the_interop_service_is_stood_in_for_at_its_path(tmp_path: Path) -> None:
    def work() -> list[Any]:
        sinks, standins = open_all(tmp_path, WSL2, mounts=True)
        path = text(sinks.targets["wsl-interop"], "path")
        return [path, "wsl-interop" in standins.by_class, send_all(sinks)]

    asked, by_class, arrived = do_inside(tmp_path, "mnt", work)
    assert (asked, by_class) == (windows.SOCKET, False)
    assert arrived == [probe.name for probe in windows.PROBES]
