"""The launcher's handle on a worker process: look at it, lend to it, end it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from localai.egress.probes.probe import Attempt, Target
from localai.errors import WorkerError
from localai.sandbox.confine import Evidence
from localai.sandbox.inspection import Early, inspect, is_locked, look_early
from localai.sandbox.spec import SandboxSpec
from localai.sandbox.status import SandboxStatus
from localai.worker.client import Client
from localai.worker.descriptors import KEPT
from localai.worker.protocol import Frame, read_frame, write_frame
from localai.worker.spawn import Spawned

PATIENCE_S = 30.0  # for any single step of the start
ATTEMPT_S = 5.0  # for any single probe: the slowest waits two seconds for a name
_REAPING_S = 1.0  # between the end of a worker's pipes and that of its process


class Sealed(NamedTuple):
    """What the worker is once nothing more is taken from it."""

    status: SandboxStatus
    environment: Mapping[str, str]


class WorkerProcess:
    """One worker, which waits to be told how to confine itself. Every method raises WorkerError
    with the worker's last words if it dies."""

    def __init__(self, spawned: Spawned, before: Mapping[str, str]) -> None:
        """``before`` is the launcher's own status (a container may have put filters on it)."""
        self._started = self.pid = spawned.pid
        self._requests, self._replies, self._errors = spawned[1:4]
        self._handoff = socket.socket(fileno=spawned.handoff)
        self.client = Client(self._requests, self._replies)  # for a worker that was told to go
        self._filters_before = int(before.get("Seccomp_filters", 0))
        self._early: Early | None = None
        self._ended = self._reaped = False

    def confine(self, spec: SandboxSpec) -> None:
        """Have it confine itself. It goes on alone; ``seal`` waits for it."""
        self._spec = spec
        self._tell({"op": "confine", "spec": spec.to_frame()})

    def seal(self, descriptors: Sequence[int]) -> Sealed:
        """Wait until it is confined, look at it, let it hide, hand ``descriptors`` over, and see
        what it is then."""
        self.pid = int(self._wait_handoff())
        os.waitpid(self._started, 0)  # the process that only entered the namespaces
        self._started = self.pid
        self._expect("confined")
        self._early = self._look()
        return self._see_sealed(self._early, descriptors)

    def _see_sealed(self, early: Early, descriptors: Sequence[int]) -> Sealed:
        self._tell({"op": "hide"})
        self._expect("hidden")
        socket.send_fds(self._handoff, [b"descriptors"], list(descriptors))
        self._handoff.close()
        sealed = self._expect("sealed")
        evidence: Evidence = sealed["evidence"]
        try:
            status = inspect(self.pid, self._spec, early, evidence,
                             filters_before=self._filters_before, expected=KEPT)  # fmt: skip
        except OSError as error:
            raise self._death() from error
        return Sealed(status, sealed["environment"])

    def _look(self) -> Early:
        try:
            return look_early(self.pid, self._spec)
        except OSError as error:
            raise WorkerError(
                f"the worker cannot be looked at: {error.strerror}", hint="localai doctor"
            ) from error

    def probe(
        self,
        names: Sequence[str],
        targets: Mapping[str, Target],
        nonces: Mapping[str, str],
        instruments: Sequence[Sequence[tuple[str, str]]],
    ) -> dict[str, Attempt]:
        """Have it try the probes ``names``. ``instruments`` says, for each descriptor that was
        lent, in which targets it stands under which name.

        A worker that ends on the way is not an error here: a probe that got out may well have
        replaced it. One that a probe holds up is ended. What it did not report is missing from
        the answer.
        """
        self._tell({"op": "probe", "probes": list(names), "targets": dict(targets),
                    "nonces": dict(nonces), "instruments": list(instruments)})  # fmt: skip
        attempts: dict[str, Attempt] = {}
        frame: Frame | None = None
        while select.select([self._replies], [], [], ATTEMPT_S)[0]:
            frame = read_frame(self._replies)
            if not frame or frame.get("op") != "attempt":
                break
            attempts[str(frame["name"])] = Attempt(**frame["said"])  # type: ignore[arg-type]
        else:
            os.kill(self.pid, signal.SIGKILL)
            return attempts
        if not frame and len(attempts) == len(names):
            raise self._death()  # every probe came back, and then it did not lock itself
        if frame and self._spec.wants("seccomp") and not self._is_locked():
            raise WorkerError("the worker did not lock itself after it was probed")
        return attempts

    def _is_locked(self) -> bool:
        return self._early is not None and is_locked(self._early, self._filters_before)

    def go(
        self,
        sizes: Sequence[int],
        inodes: Sequence[tuple[int, int] | None],
        options: Mapping[str, Any],
        today: date,
    ) -> None:
        """Let it load the files of these sizes: sealed memory where the inode is None, else the
        file of this device and number. The engine's options are those of
        ``engine.EngineOptions``; ``today`` is what the chat template takes for the date."""
        told = {"options": dict(options), "today": today.isoformat()}
        self._tell({"op": "go", "sizes": list(sizes), "inodes": list(inodes), **told})

    def run_script(self, name: str, size: int, show: Callable[[bytes], object]) -> int:
        """Let it run the script of ``size`` bytes that it got in place of a model, ``show`` what
        that prints, and wait for its end: the exit code, negative for a signal."""
        self._tell({"op": "script", "name": name, "sizes": [size], "inodes": [None]})
        while said := os.read(self._errors, 1 << 16):
            show(said)
        _, status = os.waitpid(self.pid, 0)
        self._reaped = True
        return os.waitstatus_to_exitcode(status)

    def find_killer(self) -> str | None:
        """The name of the signal that ended the worker, None if it runs or ended by itself."""
        deadline = time.monotonic() + _REAPING_S
        while not self._ended and time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._reaped = True
                return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
            time.sleep(0.01)
        return None

    def end(self) -> None:
        """End the worker and wait for it. Safe to call twice."""
        if self._ended:
            return
        self._ended = True
        self._handoff.close()
        os.close(self._requests)
        for pid in () if self._reaped else dict.fromkeys((self._started, self.pid)):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        for descriptor in (self._replies, self._errors):
            os.close(descriptor)
        if self._early:
            self._early.close()

    def last_words(self) -> str:
        """The last line that native code or Python left on the worker's standard error."""
        os.set_blocking(self._errors, False)
        try:
            lines = os.read(self._errors, 1 << 16).decode("utf-8", "replace").split("\n")
        except BlockingIOError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _tell(self, frame: Frame) -> None:
        try:
            write_frame(self._requests, frame)
        except WorkerError as error:
            raise self._death() from error

    def _read(self) -> Frame | None:
        self._wait(self._replies)
        return read_frame(self._replies)

    def _expect(self, operation: str) -> dict[str, Any]:
        frame = self._read()
        if frame is None or frame.get("op") != operation:
            raise self._death()
        return dict(frame)

    def _wait_handoff(self) -> bytes:
        self._wait(self._handoff.fileno())
        if not (said := self._handoff.recv(32)):
            raise self._death()
        return said

    def _wait(self, descriptor: int) -> None:
        if not select.select([descriptor], [], [], PATIENCE_S)[0]:
            raise WorkerError(f"the worker did not answer within {PATIENCE_S:.0f} s")

    def _death(self) -> WorkerError:
        words = self.last_words()
        return WorkerError(
            "the worker ended before it was ready" + (f": {words}" if words else ""),
            hint="localai doctor",
        )
