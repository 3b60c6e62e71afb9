"""Attribution: which layers stop which probe, from self-tests with layers left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from localai.egress.probes import PROBES
from localai.egress.selftest import Outcome

Outcomes = Mapping[str, Outcome]

# What no second layer can stop, and why: everything else must hang on two at least.
NO_SECOND_LAYER: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (probe.name for probe in PROBES if probe.speaks),
            "words are meant to reach a screen: only what is done to them can stop these",
        ),
        "vsock": "no namespace holds these sockets, and Landlock has no rule for them",
        "socket-families": "it only makes a socket; whatever one sends, another layer stops too",
        "keyring": "no namespace hides keyrings, and no other layer covers keys",
        "decoy-write": "what was opened before is open in every layer but this one",
        "fork": "no other layer counts processes without counting threads",
        "tiocsti": "no other layer covers a terminal that was handed over open",
    }
)


class Measured(NamedTuple):
    """What became of every probe with all layers, with none, with each alone, with each missing."""

    full: Outcomes
    bare: Outcomes
    alone: Mapping[str, Outcomes]
    missing: Mapping[str, Outcomes]


class Row(NamedTuple):
    """One probe: the layers that stop it alone, and the one that it hangs on ("" if on none)."""

    probe: str
    stopped_by: tuple[str, ...]
    hangs_on: str


class Attribution(NamedTuple):
    """The table. ``arrived`` got out under all layers, ``unclear`` says what was not checked."""

    layers: tuple[str, ...]
    rows: tuple[Row, ...]
    arrived: tuple[str, ...]
    unclear: tuple[str, ...]
    seconds: float

    @property
    def hanging(self) -> tuple[Row, ...]:
        """Probes that a single layer stops: with it gone they get out."""
        return tuple(row for row in self.rows if row.hangs_on)

    @property
    def needlessly_hanging(self) -> tuple[Row, ...]:
        return tuple(row for row in self.hanging if row.probe not in NO_SECOND_LAYER)


def blocked(outcomes: Outcomes) -> tuple[str, ...]:
    return tuple(name for name, outcome in outcomes.items() if outcome is Outcome.BLOCKED)


def attribute(measured: Measured, seconds: float) -> Attribution:
    """Say of every probe that counts on this host which layers stop it."""
    full = measured.full
    layers = tuple(measured.alone)
    return Attribution(
        layers,
        tuple(_row(probe, measured) for probe in blocked(full)),
        tuple(name for name, outcome in full.items() if outcome is Outcome.ARRIVED),
        tuple(_unclear(measured)),
        seconds,
    )


def _row(probe: str, measured: Measured) -> Row:
    stopped_by = [layer for layer, found in measured.alone.items()
                  if found.get(probe) is Outcome.BLOCKED]  # fmt: skip
    hangs_on = [layer for layer, found in measured.missing.items()
                if found.get(probe) is Outcome.ARRIVED]  # fmt: skip
    return Row(probe, tuple(stopped_by), ", ".join(hangs_on))


def _unclear(measured: Measured) -> Iterable[str]:
    """What keeps the table from being believed: each cell must be a measured one."""
    yield from (f"{probe}: {outcome.value} with all layers"
                for probe, outcome in measured.full.items()
                if outcome is Outcome.NOT_CHECKED)  # fmt: skip
    trials = {f"{layer} alone": found for layer, found in measured.alone.items()}
    trials |= {f"all but {layer}": found for layer, found in measured.missing.items()}
    for probe in blocked(measured.full):
        if measured.bare.get(probe) is not Outcome.ARRIVED:
            yield f"{probe}: did not arrive without any layer"
        for with_what, found in trials.items():
            if found.get(probe) not in (Outcome.BLOCKED, Outcome.ARRIVED):
                yield f"{probe}: not checked with {with_what}"
