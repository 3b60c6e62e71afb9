"""Controls: every probe tried unconfined, in children of the laboratory.

Most share one child. Those that may replace, end or hold up their process get one each, which
is kept until the sinks were looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence

from localai.egress.probes import attempt
from localai.egress.probes.probe import Attempt, Probe, Target
from localai.sandbox import kernel
from localai.sandbox.seccomp import Filter, install

PATIENCE_S = 1.0  # for a control that hangs: then it was not checked

Targets = Mapping[str, Target]
Nonces = Mapping[str, str]
Become = Callable[[], str]
"""Makes the child what it is to be; returns what is wrong with it, "" if nothing is."""

_LAYERS_IN_STATUS = ("Seccomp", "Seccomp_filters", "NoNewPrivs")


class _Trial:
    """A child that gets ready and waits; told to begin, it tries ``probes`` in turn, reports each
    in a line, and waits to be ended."""

    def __init__(
        self, probes: Sequence[Probe], targets: Targets, nonces: Nonces, become: Become
    ) -> None:
        self.probes = probes
        self.reports: dict[str, Attempt] = {}
        self._unread = b""
        self.output, writer = os.pipe()
        signal_in, self._signal = os.pipe()

        def live() -> None:
            os.close(self._signal)
            _try_in_child(signal_in, writer, probes, targets, nonces, become)

        self.pid = kernel.fork(live, "localai-probe")
        os.close(writer)
        os.close(signal_in)
        self.over = self.silent = False

    def begin(self) -> None:
        """Let it try."""
        os.write(self._signal, b"!")

    def read(self) -> None:
        """Take in what the child has said; ``over`` once that is all, ``silent`` once its pipe has
        closed: it has become a program, whose nonce may be still to come, or it is gone."""
        data = os.read(self.output, 1 << 16)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            name, said = json.loads(line)
            self.reports[name] = Attempt(**said)
        self.silent = not data
        self.over = len(self.reports) == len(self.probes)

    @property
    def gone(self) -> bool:
        """Whether the child has ended; ``end`` is still to be called."""
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, how) is not None

    def kill(self) -> None:
        """Have the child end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self, received: bytes, nonces: Nonces) -> dict[str, Attempt]:
        """Wait until the child is gone, and explain what it did not report."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.output)
        os.close(self._signal)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        for probe in self.probes:
            if probe.name not in self.reports:
                self.reports[probe.name] = _explain(killed, nonces[probe.name], received)
                killed = 0  # those after it were never tried
        return self.reports


def _explain(killed: int, nonce: str, received: bytes) -> Attempt:
    """A probe that became a program, or was held up, reports nothing; its nonce says enough."""
    if nonce.encode() in received:
        return Attempt()
    if killed not in (0, signal.SIGKILL):
        return Attempt(error=-killed)
    return Attempt(failed="it did not report")


def _try_in_child(
    begin: int,
    writer: int,
    probes: Sequence[Probe],
    targets: Targets,
    nonces: Nonces,
    become: Become,
) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.set_inheritable(int(targets["instruments"]["pipe"]), True)
    wrong = become()
    if not os.read(begin, 1):
        return  # the laboratory is gone
    for probe in probes:
        tried = (
            Attempt(failed=wrong)
            if wrong
            else attempt(probe, targets[probe.sink], nonces[probe.name])
        )
        os.write(writer, json.dumps([probe.name, tried._asdict()]).encode() + b"\n")
    time.sleep(10 * PATIENCE_S)  # ended by the laboratory long before


def stay_as(before: Mapping[str, str]) -> Become:
    """Be a control. ``before`` is the status of the process before localai did anything: a
    control that carries a layer beyond those is none."""

    def stay() -> str:
        now = kernel.read_status()
        added = [name for name in _LAYERS_IN_STATUS if now.get(name) != before.get(name)]
        return f"the control is confined itself ({', '.join(added)})" if added else ""

    return stay


def put_on(make: Callable[[], Filter]) -> Become:
    """Be confined by the filter that ``make`` makes in the child, and by nothing else."""

    def confine() -> str:
        try:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            install(make())
        except OSError as error:
            return f"the filter cannot be put on: {error.strerror}"
        return ""

    return confine


def _how_final(probe: Probe) -> tuple[bool, bool]:
    """What a kernel may answer with a signal comes last of all: no probe after it is tried."""
    return probe.alone, min(probe.closing, default=0) < 0


class Trials:
    """Children that are ready to try probes. The constructor forks them all."""

    def __init__(
        self,
        probes: Sequence[Probe],
        targets: Targets,
        nonces: Nonces,
        become: Become,
        *,
        apart: bool,
    ) -> None:
        """With ``apart``, each probe that needs its process to itself gets one; without, where
        all are expected to be denied, such probes merely come last."""
        if apart:
            groups = [[probe for probe in probes if not probe.alone]]
            groups += [[probe] for probe in probes if probe.alone]
        else:
            groups = [sorted(probes, key=_how_final)]
        self._nonces = nonces
        self._trials = [_Trial(group, targets, nonces, become) for group in groups]

    def run(self, drain: Callable[[], bytes]) -> dict[str, Attempt]:
        """Have every probe tried, once. The sinks are looked at (``drain``) before a child ends."""
        for trial in self._trials:
            trial.begin()
        deadline = time.monotonic() + PATIENCE_S
        while (waiting := [t for t in self._trials if not t.over]) and time.monotonic() < deadline:
            outputs = [trial.output for trial in waiting if not trial.silent]
            ready, _, _ = select.select(outputs, [], [], 0.002)
            for trial in waiting:
                if trial.output in ready:
                    trial.read()
            if not ready:
                self._let_go(waiting, drain())
        return self.end(drain())

    def _let_go(self, waiting: Sequence[_Trial], received: bytes) -> None:
        """Wait no longer for what is held up although its nonces are here, nor for the dead."""
        for trial in waiting:
            here = all(self._nonces[p.name].encode() in received for p in trial.probes)
            trial.over = here or (trial.silent and trial.gone)

    def end(self, received: bytes = b"") -> dict[str, Attempt]:
        """End all children. Safe to call twice."""
        attempts: dict[str, Attempt] = {}
        for trial in self._trials:  # all at once: each end takes its time
            trial.kill()
        for trial in self._trials:
            attempts |= trial.end(received, self._nonces)
        self._trials = []
        return attempts
