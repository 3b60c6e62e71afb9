"""The beginning of a start: a worker started and a laboratory forked, while nothing is known yet.

Whoever reads a command line that will need a worker begins here, before anything else is imported:
both processes then get ready on another core meanwhile. Neither is given anything, no probe is
sent, and both end with this process.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from localai.egress.decoys import are_inherited, leave_decoys
from localai.errors import PlatformError
from localai.host import TELEMETRY_SWITCHES
from localai.sandbox import kernel
from localai.worker.spawn import Spawned, spawn

if TYPE_CHECKING:
    from localai.egress.laboratory import Premises
    from localai.places import Places
    from localai.sandbox.spec import SandboxSpec

_UNUSED_UIDS = range(61184, 65520)  # systemd's dynamic users: no account is made there
_spawned: tuple[Spawned, Mapping[str, str]] | None = None
_ahead: Beginning | None = None


class Beginning:
    """The constructor forks, so no thread may run yet, and hides this process for good.

    Raises LocalAIError if the state directory cannot be had, if another process traces this one,
    or if this account has too few processes or open files left.
    """

    def __init__(self, places: Places, *, every_filter: bool = False) -> None:
        """A start has the launcher's filter probed beside the worker, with ``every_filter`` each
        of the worker's is probed on its own as well."""
        global _spawned
        _spawned = _spawned or _spawn()
        spawned, self._before = _spawned
        # Slow to import: it goes on while the worker imports.
        from localai.egress.probes.probe import FILTERS, LAUNCHER
        from localai.egress.proving import Proof
        from localai.places import make_private
        from localai.worker.process import WorkerProcess

        self._spec: SandboxSpec | None = None
        with ExitStack() as cleanup:
            self.worker = WorkerProcess(spawned, self._before)
            _spawned = None  # not before: until there is a handle, forget_beginning ends it
            cleanup.callback(self.worker.end)
            state = make_private(places.state)
            try:
                self.proof = Proof(
                    state,
                    self._before,
                    foreign=spawned.descriptors,
                    home=places.home,
                    filters=FILTERS if every_filter else (LAUNCHER,),
                )
            except OSError as error:
                raise _cannot_start(error) from error
            cleanup.callback(self.proof.close)
            _hide()
            cleanup.pop_all()

    def confine(self, *, gpu: bool, parts: int = 1, kept: Sequence[str] = ()) -> SandboxSpec:
        """Have the worker confine itself, for a model in ``parts`` files, and return how. Those in
        ``kept`` it will load by these paths.

        A worker that was told something else before is ended, and another one started.
        """
        from localai.sandbox.spec import find_gpu_devices
        from localai.worker.process import WorkerProcess

        devices = find_gpu_devices() if gpu else ()
        asked = devices, parts, tuple(kept)
        if self._spec and (self._spec.devices, self._spec.parts, self._spec.kept) == asked:
            return self._spec
        if self._spec:
            self.worker.end()
            self.worker = WorkerProcess(spawn(TELEMETRY_SWITCHES), self._before)
        premises = self.proof.premises or self.proof.wait_for_premises()
        if not are_inherited(self.worker.pid):
            raise PlatformError(
                "the worker started without the decoys: what is done about open descriptors could"
                " not be shown",
                hint="report this with the output of: localai doctor",
            )
        self._spec = make_spec(premises, *asked)
        self.worker.confine(self._spec)
        return self._spec

    def close(self) -> None:
        """End both processes. Safe to call twice."""
        self.worker.end()
        self.proof.close()


def spawn_ahead() -> None:
    """Start now the worker that the next beginning will ask for. Raises PlatformError.

    Until ``launch.start`` is done no garbage is collected: imports make none, and looking for it
    takes a tenth of their time.
    """
    global _spawned
    gc.disable()
    _spawned = _spawn()


def begin_ahead(places: Places) -> None:
    """Begin now what ``take_beginning`` will ask for."""
    global _ahead
    _ahead = Beginning(places)


def confine_ahead() -> None:
    """Have what was begun ahead confine itself for the usual case: one file, and any GPU."""
    if _ahead:
        _ahead.confine(gpu=True)


def take_beginning(places: Places) -> Beginning:
    """What was begun ahead, once; else a new beginning."""
    global _ahead
    begun, _ahead = _ahead, None
    return begun or Beginning(places)


def forget_beginning() -> None:
    """End what was begun ahead and not taken."""
    global _ahead, _spawned
    if _ahead:
        _ahead.close()
        _ahead = None
    if _spawned:
        from localai.worker.process import WorkerProcess

        WorkerProcess(*_spawned).end()
        _spawned = None


def _spawn() -> tuple[Spawned, Mapping[str, str]]:
    """A worker, and this process's status as it was before."""
    kernel.show_as("localai")  # a unit or a crontab starts it as python3
    # A parent that ignores it would have the kernel reap our children before we do.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        before = kernel.read_status()
    except OSError as error:
        raise PlatformError(
            "/proc cannot be read: what holds around a worker could not be seen",
            hint="mount -t proc proc /proc",
        ) from error
    try:
        leave_decoys()
        return spawn(TELEMETRY_SWITCHES), before
    except OSError as error:
        raise _cannot_start(error) from error


def _cannot_start(error: OSError) -> PlatformError:
    return PlatformError(
        f"no worker can be started: {error.strerror}",
        hint="see this account's limits: ulimit -a; it takes 256 open files (-n) and "
        "some processes (-u)",
    )


def make_spec(
    premises: Premises, devices: tuple[str, ...], parts: int, kept: tuple[str, ...] = ()
) -> SandboxSpec:
    """What the worker is asked to do to itself on this host. The account that it is to become may
    enter the laboratory's directory from here on."""
    from localai.sandbox.landlock import best_abi
    from localai.sandbox.spec import SandboxSpec, find_readable

    if uid := 0 if os.getuid() else _find_unused_uid():
        premises.admit(uid)
    return SandboxSpec(
        laboratory=premises.pid if premises.namespaces else 0,
        namespaces=premises.namespaces,
        directory=premises.directory,
        decoy=str(premises.targets["public"]["path"]),
        uid=uid,
        landlock=best_abi(),
        readable=find_readable(gpu=bool(devices)),
        devices=devices,
        parts=parts,
        kept=kept,
    )


def _find_unused_uid() -> int:
    import pwd

    with open("/proc/self/uid_map", encoding="ascii") as file:  # noqa: PTH123
        mapped = [tuple(map(int, line.split())) for line in file]
    for uid in _UNUSED_UIDS:
        if not any(first <= uid < first + count for first, _, count in mapped):
            continue
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise PlatformError(
        "this root account has no other uid that the worker could become",
        hint="run localai as an ordinary user",
    )


def _hide() -> None:
    """Let nobody look into this process from here on, and see that nobody does."""
    kernel.hide()
    if tracer := int(kernel.read_status()["TracerPid"]):
        raise PlatformError(
            f"process {tracer} traces this one and could change what it verifies",
            hint="run localai without a debugger or tracer",
        )
