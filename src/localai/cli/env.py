"""``localai env``: show and set the label of this host."""

from __future__ import annotations

import typer

from localai.cli import console
from localai.errors import Exit

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="The label says what kind of host this is. Models run only on labelled hosts that are "
    "not in production.",
)


@app.command()
def show() -> int:
    """Show every source of a label, and what they say together."""
    from localai.cli.surroundings import look_around
    from localai.plan.gates.environment_label import judge_labels

    around = look_around()
    readings = around.read_labels()
    finding = judge_labels(readings, around.read_policy().policy.labels)
    console.print_label(readings, finding)
    return Exit.REFUSED if finding.refuses else Exit.DONE


@app.command("set")
def set_label(label: str = typer.Argument(help="sandbox, development or test")) -> int:
    """Declare what kind of host this is: for this machine, for 90 days.

    Where there is an administrator, their /etc/localai/environment says it instead.
    """
    from localai.cli.setups.declaring import declare
    from localai.cli.surroundings import look_around

    console.out(declare(look_around(), label))
    return Exit.DONE
