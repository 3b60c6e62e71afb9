"""``localai selftest --layers``: the table of which layers stop which probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.cli import console
from localai.errors import Exit
from localai.places import make_private
from localai.plan.gates import SELFTEST_NEEDS
from localai.trials import measure_layers

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings


def show_layers(around: Surroundings, *, json: bool) -> Exit:
    """Measure the table and print it. Where label or policy refuse, no probe is sent.

    Raises LocalAIError if a worker cannot be had.
    """
    facts = around.gather()
    needed = [gate(facts, facts.policy.policy) for gate in SELFTEST_NEEDS]
    if refusing := [finding for finding in needed if finding.refuses]:
        console.print_findings(refusing)
        return Exit.REFUSED
    table = measure_layers(make_private(around.places.state))
    code = Exit.DONE
    if table.unclear:
        code = Exit.COULD_NOT_ACT
    if table.arrived or table.needlessly_hanging:
        code = Exit.REFUSED
    console.print_layers(table, code, json=json)
    return code
