"""The table of layers: every cell is a measured one, and what hangs on one layer is named."""

from __future__ import annotations

import pytest

from localai.egress.attribution import NO_SECOND_LAYER, Measured, attribute, blocked
from localai.egress.selftest import Outcome

BLOCKED, ARRIVED, UNCHECKED = Outcome.BLOCKED, Outcome.ARRIVED, Outcome.NOT_CHECKED
GOOD = Measured(
    full={"tcp4": BLOCKED, "fork": BLOCKED, "x32": Outcome.CLOSED},
    bare={"tcp4": ARRIVED, "fork": ARRIVED},
    alone={
        "seccomp": {"tcp4": BLOCKED, "fork": BLOCKED},
        "landlock": {"tcp4": BLOCKED, "fork": ARRIVED},
    },
    missing={
        "seccomp": {"tcp4": BLOCKED, "fork": ARRIVED},
        "landlock": {"tcp4": BLOCKED, "fork": BLOCKED},
    },
)


def test_each_probe_that_counts_has_a_row() -> None:
    table = attribute(GOOD, 1.0)
    assert table.layers == ("seccomp", "landlock")
    assert [(row.probe, row.stopped_by, row.hangs_on) for row in table.rows] == [
        ("tcp4", ("seccomp", "landlock"), ""),
        ("fork", ("seccomp",), "seccomp"),
    ]
    assert (table.arrived, table.unclear) == ((), ())


def test_what_hangs_on_one_layer_needs_a_reason() -> None:
    assert [row.probe for row in attribute(GOOD, 1.0).hanging] == ["fork"]
    assert attribute(GOOD, 1.0).needlessly_hanging == ()
    missing = {**GOOD.missing, "seccomp": {"tcp4": ARRIVED, "fork": ARRIVED}}
    table = attribute(GOOD._replace(missing=missing), 1.0)
    assert [row.probe for row in table.needlessly_hanging] == ["tcp4"]
    assert all(NO_SECOND_LAYER.values())


def test_what_gets_out_under_all_layers_is_named() -> None:
    full = {**GOOD.full, "udp4": ARRIVED}
    assert attribute(GOOD._replace(full=full), 1.0).arrived == ("udp4",)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (GOOD._replace(full={**GOOD.full, "udp4": UNCHECKED}), "udp4: not-checked with all layers"),
        (
            GOOD._replace(bare={"tcp4": BLOCKED, "fork": ARRIVED}),
            "tcp4: did not arrive without any",
        ),
        (GOOD._replace(bare={"fork": ARRIVED}), "tcp4: did not arrive without any"),
        (
            GOOD._replace(alone={**GOOD.alone, "landlock": {"fork": ARRIVED}}),
            "tcp4: not checked with landlock alone",
        ),
        (
            GOOD._replace(
                missing={**GOOD.missing, "landlock": {"tcp4": UNCHECKED, "fork": BLOCKED}}
            ),
            "tcp4: not checked with all but landlock",
        ),
    ],
)
def test_a_cell_that_was_not_measured_is_said(measured: Measured, said: str) -> None:
    unclear = attribute(measured, 1.0).unclear
    assert len(unclear) == 1
    assert said in unclear[0]


def test_what_is_closed_or_unsafe_has_no_row() -> None:
    assert blocked(GOOD.full) == ("tcp4", "fork")
