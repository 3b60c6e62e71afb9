"""The sinks of what Windows would do for Linux inside it (WSL): stand-ins, on WSL only."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from localai.egress.probes import windows
from localai.egress.sinks import Sinks, follow
from localai.egress.spools import open_directory, open_pipe, recognise
from localai.egress.standins import StandIns
from localai.sandbox import kernel

_PROGRAM = """#!/bin/sh
echo "$2" > {output}
"""


def open_windows(sinks: Sinks, standins: StandIns, directory: Path, release: str) -> None:
    """``release`` is the kernel's. ``directory`` is the laboratory's own."""
    if not kernel.is_microsofts(release):
        sinks.unsafe |= {probe.sink: "this is not WSL" for probe in windows.PROBES}
        return
    open_directory(sinks, standins, "wsl-drive", windows.DRIVE)
    open_pipe(sinks, standins, "wsl-gpu", windows.DEVICE)
    _open_program(sinks, standins, directory / "windows")
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = standins.make("wsl-interop", windows.SOCKET, sink.bind)
    sink.listen(8)
    sinks.watch(sink)
    sinks.targets["wsl-interop"] = recognise(Path(path))


def _open_program(sinks: Sinks, standins: StandIns, output: Path) -> None:
    """A program where one of Windows' lies, which tells its last argument to a pipe of ours."""
    os.mkfifo(output, 0o666)
    end = os.open(output, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    sinks.add(follow(end))

    def make(where: str) -> None:
        Path(where).touch(0o755)
        Path(where).write_text(_PROGRAM.format(output=output), encoding="utf-8")

    place = standins.make("wsl-execute", windows.PROGRAM, make)
    sinks.targets["wsl-execute"] = recognise(Path(place))
