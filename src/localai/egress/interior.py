"""The inside of the laboratory: everything that a probe can aim at, in one process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from localai.egress.controls import Trials, put_on, stay_as
from localai.egress.drops import Drops
from localai.egress.families import open_families, read_protocols
from localai.egress.handovers import Keyring, Reception
from localai.egress.instruments import Instruments
from localai.egress.isolation import isolate
from localai.egress.neighbours import open_neighbours
from localai.egress.probes import PROBES, prepare
from localai.egress.probes.probe import GPU, IMPORTS, LAUNCHER, MODEL, Attempt, Probe
from localai.egress.screen import Screen
from localai.egress.services import open_services
from localai.egress.sinks import Sinks, watch_instruments
from localai.egress.spools import open_spools
from localai.egress.standins import StandIns
from localai.egress.victim import Victim
from localai.egress.windows import open_windows
from localai.sandbox.filters import first_filter, launcher_filter, second_filter
from localai.sandbox.namespaces import unmount
from localai.sandbox.seccomp import Filter


class Nonces(NamedTuple):
    """What is sent, by probe: by the controls, the worker, and under each filter on its own."""

    control: Mapping[str, str]
    worker: Mapping[str, str]
    filters: Mapping[str, Mapping[str, str]]


_FILTERS: Mapping[str, Callable[[], Filter]] = {
    IMPORTS: first_filter,
    MODEL: lambda: second_filter(os.getpid(), gpu=False),
    GPU: lambda: second_filter(os.getpid(), gpu=True),
    LAUNCHER: lambda: launcher_filter(os.getpid()),
}


class Request(NamedTuple):
    """What a laboratory is asked to be.

    ``directory`` is its own, empty; ``private_directory`` one of this account's in which a file
    is made that only this account may read, ``home`` its home directory. ``withheld`` namespaces
    are not tried for. ``before``: see ``stay_as``.
    """

    instruments: Instruments
    nonces: Nonces
    directory: Path
    private_directory: Path
    home: Path
    withheld: frozenset[str]
    before: Mapping[str, str]


class Interior:
    """Opens every sink. What would outlive this process is put on ``cleanup``."""

    def __init__(self, request: Request, token: str, cleanup: ExitStack) -> None:
        self._request = request
        self._cleanup = cleanup
        self.namespaces = isolate(request.directory, request.withheld)
        cleanup.callback(_remove, request.directory, covered="mnt" in self.namespaces)
        self.standins = StandIns(
            request.directory, [request.private_directory], mounts="mnt" in self.namespaces
        )
        cleanup.callback(self.standins.close)
        private = "net" in self.namespaces
        self.sinks = Sinks(request.directory, token, private=private)
        cleanup.callback(self.sinks.close)
        watch_instruments(request.instruments, self.sinks)
        open_neighbours(self.sinks, private=private)
        open_services(self.sinks, self.standins)
        open_spools(self.sinks, self.standins, request.home)
        open_windows(self.sinks, self.standins, request.directory, os.uname().release)
        pipe = request.instruments.pipe
        open_families(self.sinks, read_protocols(), pipe, private=private)
        self._received = bytearray()
        self._open_drops(token, cleanup)
        self._open_handovers()
        self._open_secrets(token, cleanup)
        self._lend()

    def _open_drops(self, token: str, cleanup: ExitStack) -> None:
        drops = self._drops = Drops(self._request.directory, token)
        cleanup.callback(drops.close)
        self.sinks.add(drops.drain)
        self.sinks.targets |= {"directory": drops.target(), "shm": drops.shm_target()}
        if not drops.shm_usable:
            self.sinks.unsafe["shm"] = "no shared memory that this account may write to"

    def _open_handovers(self) -> None:
        reception, keyring = Reception(self._request.directory), Keyring()
        for name, sink in (("passed", reception), ("keyring", keyring)):
            self.sinks.add(sink.drain)
            self.sinks.targets[name] = sink.target()

    def _open_secrets(self, token: str, cleanup: ExitStack) -> None:
        """What reading probes try to learn: a process's memory, a private file, a public one."""
        held = _hold_file(self._request.directory, self._secrets_in("held"))
        victim = Victim(
            self._request.instruments.pipe,
            held,
            self._secrets_in("secret"),
            self._secrets_in("environment"),
        )
        cleanup.callback(victim.end)
        self.sinks.add(victim.drain)
        sinks = ("victim", "secret", "environment", "held")
        self.sinks.targets |= dict.fromkeys(sinks, victim.target())
        if not victim.had_environment:
            self.sinks.unsafe["environment"] = "no environment that something could stand in"
        for name, parent, mode in (
            ("private", self._request.private_directory, 0o600),
            ("public", self._request.directory, 0o644),
        ):
            path = parent / f"localai-probe-{token}"
            path.touch(mode)
            cleanup.callback(path.unlink)
            try:
                path.write_text(self._secrets_in(name), encoding="ascii")
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error
            self.sinks.targets[name] = {"path": str(path)}

    def _secrets_in(self, sink: str) -> str:
        """What lies where ``sink`` is, for every probe that is to read it there."""
        secrets = self._request.nonces.worker
        return "\n".join(secrets[p.name] for p in PROBES if p.reads and p.sink == sink)

    def _lend(self) -> None:
        instruments = self._request.instruments
        lent = {"pipe": instruments.pipe, "program": instruments.program}
        self.sinks.targets["instruments"] = lent
        self.sinks.add(Screen(instruments.screen_end).drain)
        self.sinks.targets["screen"] = {"screen": instruments.screen}
        if not os.isatty(instruments.screen):
            self.standins.by_class.add("screen")
        if instruments.terminals:
            self.sinks.targets["terminal"] = {"terminal": instruments.terminals[0]}
        else:
            self.sinks.unsafe["terminal"] = "no pseudo-terminal can be had"

    @property
    def by_class(self) -> frozenset[str]:
        """Sinks that stand at another path than the one that their probes are about."""
        return frozenset(self.standins.by_class)

    def drain(self) -> bytes:
        """All bytes that any sink has taken in so far."""
        self._received += self.sinks.drain()
        return bytes(self._received)

    def get_ready(self) -> None:
        """Have the children ready that will try the controls, and those that will try what each
        filter must stop with no other layer around them. None sends anything before it is told
        to."""
        prepare()
        possible = self._possible(PROBES)
        asked, targets = self._request, self.sinks.targets
        unconfined = stay_as(asked.before)
        self._controls = Trials(possible, targets, asked.nonces.control, unconfined, apart=True)
        self._cleanup.callback(self._controls.end)
        self._filtered: dict[str, Trials] = {}
        for name, sent in asked.nonces.filters.items():
            stopped = [probe for probe in possible if name not in probe.passes]
            trials = Trials(stopped, targets, sent, put_on(_FILTERS[name]), apart=False)
            self._filtered[name] = trials
            self._cleanup.callback(trials.end)

    def run_controls(self) -> dict[str, Attempt]:
        attempts = self._controls.run(self.drain)
        self._drops.restore()
        return attempts

    def try_filters(self) -> dict[str, dict[str, Attempt]]:
        """Have every probe tried under each filter that must stop it, by the filter's name."""
        self.drain()  # what the worker left in a file's length or mode
        # One after another: a terminal has one session, a file one length.
        return {name: trials.run(self.drain) for name, trials in self._filtered.items()}

    def _possible(self, probes: tuple[Probe, ...]) -> list[Probe]:
        return [probe for probe in probes if probe.sink not in self.sinks.unsafe]


def _hold_file(directory: Path, content: str) -> int:
    """A file that has content but no name, opened for reading."""
    path = directory / "held"
    path.write_text(content, encoding="ascii")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    path.unlink()
    return descriptor


def _remove(directory: Path, *, covered: bool) -> None:
    """Remove the laboratory's directory: here, since the launcher may have died meanwhile."""
    if covered:
        unmount(str(directory))
    import shutil  # it brings compressors; nobody waits any more

    shutil.rmtree(directory)
