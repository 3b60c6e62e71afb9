"""Instruments: descriptors lent to whoever tries the probes, so that each reaches its call.

A probe that is named after fork must be able to fail at nothing but the fork. So its child finds
a pipe open, a program finds its text in memory, TIOCSTI finds a terminal. The worker gets them
after everything else was closed and gives them up before it gets a model; only the decoys are
left open on purpose from the very start, and must be gone by then.
"""

from __future__ import annotations

import errno
import os
import socket
import tty
from pathlib import Path
from typing import NamedTuple

from localai.egress import decoys
from localai.egress.probes.probe import Target
from localai.errors import PlatformError

MFD_NOEXEC_SEAL = 0x0008  # Linux 6.3


class Instruments(NamedTuple):
    """What one self-test lends. ``terminals`` is empty where this host has no pseudo-terminals, and
    ``screen`` is a pipe then; ``receivers`` take in what the decoy sends."""

    decoy_target: Target
    receivers: tuple[socket.socket, socket.socket]
    pipe_end: int
    pipe: int
    program: int
    screen_end: int
    screen: int
    terminals: tuple[int, ...]
    terminal_ends: tuple[int, ...]  # kept open, or the terminals would hang up

    @property
    def lent_to_worker(self) -> tuple[int, ...]:
        return (self.pipe, self.program, *self.terminals)

    def close(self) -> None:
        """Close this process's copies."""
        for receiver in self.receivers:
            receiver.close()
        for descriptor in (self.pipe_end, self.pipe, self.program, self.screen_end, self.screen,
                           *self.terminals, *self.terminal_ends):  # fmt: skip
            os.close(descriptor)
        decoys.close_decoys()


def make_instruments() -> Instruments:
    """Make them all, and aim the decoys that were left: at loopback only, at what is ours."""
    pipe_end, pipe = os.pipe()
    try:
        receivers = (_receiver(), _receiver())
        first, second = (receiver.getsockname()[1] for receiver in receivers)
        decoys.aim_decoys(("127.0.0.1", first), pipe)
    except OSError as error:
        if error.errno not in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
            raise
        raise PlatformError(
            "the loopback interface is down: the self-test has nowhere to aim at",
            hint="ip link set lo up",
        ) from error
    program = _make_program_file()
    os.write(program, Path("/bin/sh").read_bytes())
    read_only = os.open(f"/proc/self/fd/{program}", os.O_RDONLY | os.O_CLOEXEC)
    os.close(program)  # a program open for writing cannot be executed (ETXTBSY)
    open_on_purpose = {"descriptor": decoys.OUTWARD, "filled": decoys.FILLED}
    target: Target = {**open_on_purpose, "host": "127.0.0.1", "port": second}
    terminals, ends = _terminals()
    screen_end, screen = _screen()
    return Instruments(target, receivers, pipe_end, pipe, read_only, screen_end, screen, terminals,
                       ends)  # fmt: skip


def _make_program_file() -> int:
    try:
        return os.memfd_create("localai-program", os.MFD_CLOEXEC)
    except PermissionError:  # the host forbids programs in memory: then that way is closed
        return os.memfd_create("localai-program", os.MFD_CLOEXEC | MFD_NOEXEC_SEAL)


def _receiver() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)
    return receiver


def _screen() -> tuple[int, int]:
    """A terminal that passes on every byte, and whoever writes too much is not held up."""
    try:
        end, screen = os.openpty()
        tty.setraw(screen)
    except OSError:
        end, screen = os.pipe()
    for descriptor in (end, screen):
        os.set_blocking(descriptor, False)
    return end, screen


def _terminals() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A terminal for one session after another: whoever tried to type into it has ended then."""
    try:
        end, terminal = os.openpty()
    except OSError:
        return (), ()
    tty.setraw(terminal)
    return (terminal,), (end,)
