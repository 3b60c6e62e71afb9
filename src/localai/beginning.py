"""The beginning of a start: a laboratory forked and a worker started, while nothing is known yet.

Whoever reads a command line that will need a worker begins here, before the slow libraries are
imported: both processes then get ready on another core meanwhile. Neither is given anything, no
probe is sent, and both end with this process.
"""

from __future__ import annotations

import gc
import signal
from contextlib import ExitStack

from localai.egress.proving import Proof
from localai.errors import PlatformError
from localai.host import TELEMETRY_SWITCHES
from localai.places import Places, make_private
from localai.sandbox import kernel
from localai.worker.process import WorkerProcess

_ahead: Beginning | None = None


class Beginning:
    """The constructor forks, so no thread may run yet, and hides this process for good.

    Raises LocalAIError if the state directory cannot be had, if another process traces this one,
    or if this account has too few processes or open files left.
    """

    def __init__(self, places: Places) -> None:
        # A parent that ignores it would have the kernel reap our children before we do.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            before = kernel.read_status()
        except OSError as error:
            raise PlatformError(
                "/proc cannot be read: what holds around a worker could not be seen",
                hint="mount -t proc proc /proc",
            ) from error
        state = make_private(places.state)
        with ExitStack() as cleanup:
            try:
                self.proof = Proof(state, before)
                cleanup.callback(self.proof.close)
                _hide()
                self.worker = WorkerProcess(TELEMETRY_SWITCHES, before)
            except OSError as error:
                raise PlatformError(
                    f"no worker can be started: {error.strerror}",
                    hint="see this account's limits: ulimit -a; it takes 256 open files (-n) and "
                    "some processes (-u)",
                ) from error
            cleanup.pop_all()

    def close(self) -> None:
        """End both processes. Safe to call twice."""
        self.worker.end()
        self.proof.close()


def begin_ahead(places: Places) -> None:
    """Begin now what ``take_beginning`` will ask for.

    Until ``launch.start`` is done no garbage is collected: imports make none, and looking for it
    takes a tenth of their time.
    """
    global _ahead
    gc.disable()
    _ahead = Beginning(places)


def take_beginning(places: Places) -> Beginning:
    """What was begun ahead, once; else a new beginning."""
    global _ahead
    begun, _ahead = _ahead, None
    return begun or Beginning(places)


def forget_beginning() -> None:
    """End what was begun ahead and not taken."""
    global _ahead
    if _ahead:
        _ahead.close()
        _ahead = None


def _hide() -> None:
    """Let nobody look into this process from here on, and see that nobody does."""
    kernel.hide()
    if tracer := int(kernel.read_status()["TracerPid"]):
        raise PlatformError(
            f"process {tracer} traces this one and could change what it verifies",
            hint="run localai without a debugger or tracer",
        )
