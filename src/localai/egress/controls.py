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
from dataclasses import asdict

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
    """A child that tries ``probes`` in turn and reports each in a line, then waits to be ended."""

    def __init__(
        self, probes: Sequence[Probe], targets: Targets, nonces: Nonces, become: Become
    ) -> None:
        self.probes = probes
        self.reports: dict[str, Attempt] = {}
        self._unread = b""
        self.output, writer = os.pipe()
        self.pid = kernel.fork(lambda: _try_in_child(writer, probes, targets, nonces, become))
        os.close(writer)
        self.over = False

    def read(self) -> None:
        """Take in what the child has said; ``over`` once it said all or its pipe has closed."""
        data = os.read(self.output, 1 << 16)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            name, said = json.loads(line)
            self.reports[name] = Attempt(**said)
        self.over = not data or len(self.reports) == len(self.probes)

    def end(self, received: bytes, nonces: Nonces) -> dict[str, Attempt]:
        """End the child and explain what it did not report."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.output)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        for probe in self.probes:
            if probe.name not in self.reports:
                self.reports[probe.name] = _explain(killed, nonces[probe.name], received)
        return self.reports


def _explain(killed: int, nonce: str, received: bytes) -> Attempt:
    """A probe that became a program, or was held up, reports nothing; its nonce says enough."""
    if nonce.encode() in received:
        return Attempt()
    if killed not in (0, signal.SIGKILL):
        return Attempt(error=-killed)
    return Attempt(failed="it did not report")


def _try_in_child(
    writer: int, probes: Sequence[Probe], targets: Targets, nonces: Nonces, become: Become
) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.set_inheritable(int(targets["instruments"]["pipe"]), True)
    wrong = become()
    for probe in probes:
        tried = (
            Attempt(failed=wrong)
            if wrong
            else attempt(probe, targets[probe.sink], nonces[probe.name])
        )
        os.write(writer, json.dumps([probe.name, asdict(tried)]).encode() + b"\n")
    time.sleep(10 * PATIENCE_S)  # ended by the laboratory long before


def run_controls(
    probes: Sequence[Probe],
    targets: Targets,
    nonces: Nonces,
    drain: Callable[[], bytes],
    before: Mapping[str, str],
) -> dict[str, Attempt]:
    """Try every probe unconfined. Looks at the sinks (``drain``) before a child is ended.

    ``before`` is the status of the process before localai did anything: a control that carries
    a layer beyond those is no control.
    """

    def stay_unconfined() -> str:
        now = kernel.read_status()
        added = [name for name in _LAYERS_IN_STATUS if now.get(name) != before.get(name)]
        return f"the control is confined itself ({', '.join(added)})" if added else ""

    return _run(probes, targets, nonces, drain, stay_unconfined)


def try_confined(
    probes: Sequence[Probe], targets: Targets, nonces: Nonces, confine: Filter
) -> dict[str, Attempt]:
    """Try every probe under the filter ``confine``, in processes that are ended afterwards."""

    def put_on() -> str:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        install(confine)
        return ""

    return _run(probes, targets, nonces, lambda: b"", put_on)


def _run(
    probes: Sequence[Probe],
    targets: Targets,
    nonces: Nonces,
    drain: Callable[[], bytes],
    become: Become,
) -> dict[str, Attempt]:
    together = [probe for probe in probes if not probe.alone]
    trials = [_Trial([probe], targets, nonces, become) for probe in probes if probe.alone]
    trials.insert(0, _Trial(together, targets, nonces, become))
    deadline = time.monotonic() + PATIENCE_S
    received = b""
    while waiting := [trial for trial in trials if not trial.over]:
        ready, _, _ = select.select([trial.output for trial in waiting], [], [], 0.005)
        for trial in waiting:
            if trial.output in ready:
                trial.read()
        if not ready:
            received = drain()
            for trial in waiting:  # held up, but its nonce is here: it has done what it can
                trial.over |= all(nonces[p.name].encode() in received for p in trial.probes)
        if time.monotonic() > deadline:
            break
    received = drain()
    attempts: dict[str, Attempt] = {}
    for trial in trials:
        attempts |= trial.end(received, nonces)
    return attempts
