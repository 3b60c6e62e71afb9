"""One self-test from the launcher's side: nonces drawn, a laboratory opened, all rows judged."""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from localai.egress.instruments import make_instruments
from localai.egress.interior import Nonces
from localai.egress.laboratory import Laboratory, Premises
from localai.egress.probes import PROBES
from localai.egress.probes.probe import FILTERS, Attempt, Probe, Target
from localai.egress.screen import Show, show_said
from localai.egress.selftest import EgressReport, FilterReport, Judged, judge

NO_HOME = Path("/nonexistent")
# Where each instrument that is lent to the worker stands: the sinks' names and the field.
_LENT = (
    (("instruments", "pipe"), ("families", "pipe")),
    (("instruments", "program"),),
    (("terminal", "terminal"),),
)
_ENCODED = re.compile("(?:[36].){3}[36]|(?:.[36]){3}.")  # ASCII digits and letters a to f
_MET = {
    **errno.errorcode,
    **{-number: f"killed by {number.name}" for number in signal.Signals},
}


class Proof:
    """A self-test under way. The constructor forks: no thread may run yet, and the process must
    not have hidden itself, or its children could not be looked at either."""

    def __init__(
        self,
        private_directory: Path,
        before: Mapping[str, str],
        withheld: frozenset[str] = frozenset(),
        foreign: Collection[int] = (),
        home: Path = NO_HOME,
        filters: tuple[str, ...] = FILTERS,
    ) -> None:
        """``private_directory`` is one that only this account can read; a file is made there for
        as long as the self-test lasts. ``before`` is this process's own status, read before
        localai did anything to it. ``withheld``: see ``isolation.isolate``. ``foreign`` descriptors
        are of no concern to the laboratory: it closes its copies. ``home`` is the account's home
        directory, where folders may lie that are synchronised. ``filters`` are to be tried each
        on its own."""
        self._closed = False
        self._filters = filters
        self.nonces = _draw_nonces(filters)
        self._instruments = make_instruments()
        self.laboratory = Laboratory(
            self._instruments, self.nonces, private_directory, home, withheld, before, foreign
        )
        self.premises: Premises | None = None
        self._controls: dict[str, Attempt] = {}
        self._control_seconds = self._probing_since = 0.0

    @property
    def lent(self) -> tuple[int, ...]:
        """The instruments' descriptors for the worker."""
        return self._instruments.lent_to_worker

    def wait_for_premises(self) -> Premises:
        """Wait until every sink is open."""
        self.premises = self.laboratory.wait_for_premises()
        return self.premises

    def begin_controls(self) -> None:
        """Have every control tried. Nothing is sent before."""
        self.laboratory.begin_controls()

    def wait_for_controls(self) -> None:
        """Wait until every control was tried."""
        self._controls, self._control_seconds = self.laboratory.wait_for_controls()
        self._probing_since = time.perf_counter()

    @property
    def targets(self) -> Mapping[str, Target]:
        """Where each sink lies, for the worker: it has no screen."""
        return {**self.premises.targets, "screen": {}} if self.premises else {}

    @property
    def lent_places(self) -> list[list[tuple[str, str]]]:
        """For each of ``lent``: in which targets it stands, under which name."""
        return [list(places) for places in _LENT[: len(self.lent)]]

    def to_send(self) -> list[str]:
        """The probes that the worker is to try: all but those that are unsafe here, or that the
        kernel refused even to the control. Those that may end the process come last."""
        possible = [probe for probe in PROBES if not self._unsafe(probe) and not self._shut(probe)]
        return [probe.name for probe in sorted(possible, key=lambda probe: probe.alone)]

    def told(self) -> dict[str, str]:
        """The nonces that the worker may know: a probe that reads has to find its own."""
        return {probe.name: "" if probe.reads else self.nonces.worker[probe.name]
                for probe in PROBES}  # fmt: skip

    def judge(self, attempts: Mapping[str, Attempt], show: Show) -> EgressReport:
        """Show what the worker said, try every filter on its own as well, look at every sink, and
        judge every row. ``show`` is what the launcher does to all that a worker says."""
        attempts = show_said(attempts, self._instruments.screen, show)
        filtered = self.laboratory.try_filters()
        received = self.laboratory.collect()
        rows = [self._row(probe, self.nonces.worker, attempts) for probe in PROBES]
        filters = {
            name: FilterReport(tuple(judge(self._rows_under(name, met), received, _MET)))
            for name, met in filtered.items()
        }
        return EgressReport(
            tuple(judge(rows, received, _MET)),
            MappingProxyType(filters),
            self._control_seconds + time.perf_counter() - self._probing_since,
            self._filters,
        )

    def _rows_under(self, name: str, attempts: Mapping[str, Attempt]) -> list[Judged]:
        sent = self.nonces.filters[name]
        return [self._row(probe, sent, attempts) for probe in PROBES if name not in probe.passes]

    def close(self) -> None:
        """End the laboratory. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self.laboratory.close()
            self._instruments.close()

    def _unsafe(self, probe: Probe) -> str:
        reason = self.premises.unsafe.get(probe.sink, "") if self.premises else "no laboratory"
        return f"{reason}; see {probe.twin}" if reason and probe.twin else reason

    def _shut(self, probe: Probe) -> bool:
        control = self._controls.get(probe.name)
        return control is not None and control.error in probe.closing

    def _row(
        self, probe: Probe, sent: Mapping[str, str], attempts: Mapping[str, Attempt]
    ) -> Judged:
        return Judged(
            probe.name,
            self.nonces.control[probe.name],
            sent[probe.name],
            self._controls.get(probe.name),
            attempts.get(probe.name),
            probe.closing,
            self._unsafe(probe),
            self.premises is not None and probe.sink in self.premises.by_class,
        )


def _draw_nonces(filters: Collection[str]) -> Nonces:
    """28 random bits each, no two alike, the first of the seven digits never zero, and none that
    could be taken for a part of others: digits of a text that a probe sends as hexadecimal."""
    drawn: set[str] = set()
    while len(drawn) < (2 + len(filters)) * len(PROBES):
        number = int.from_bytes(os.urandom(4), "big") >> 4
        nonce = f"{number:07x}"
        if number >= 1 << 24 and not _ENCODED.fullmatch(nonce):
            drawn.add(nonce)
    numbers = iter(drawn)

    def draw() -> dict[str, str]:
        return {probe.name: next(numbers) for probe in PROBES}

    worker = draw()
    secrets = {probe.name: worker[probe.name] for probe in PROBES if probe.reads}
    return Nonces(draw() | secrets, worker, {name: draw() | secrets for name in filters})
