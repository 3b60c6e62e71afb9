"""``localai selftest``: try every way out of this host's sandbox, and keep the result."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli import console
from localai.cli.scheduling import schedule, status, unschedule
from localai.errors import Exit

app = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)


@app.callback()
def selftest(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="print localai.selftest/1")] = False,
) -> int:
    """Try every way out of a confined worker and of the launcher, each shown to work elsewhere.

    Exit code 0: all blocked, all controls arrived; 3: something got out; 4: something could not
    be checked. Every result is kept: localai selftest history.
    """
    if context.invoked_subcommand:
        return Exit.DONE
    from localai.cli.proving import prove
    from localai.cli.surroundings import look_around
    from localai.reports.document import selftest_document

    report = prove(look_around())
    if json:
        console.print_json(selftest_document(report))
    else:
        console.print_findings(report.findings)
    raise typer.Exit(report.exit_code)


@app.command()
def history() -> int:
    """Show every result that was kept, oldest first."""
    from localai.cli.surroundings import look_around
    from localai.selftests.history import read_history

    for result in read_history(look_around().places.selftests):
        console.out(f"{result.number} {result.time:%Y-%m-%d %H:%M} {result.verdict.value}")
    return Exit.DONE


for _command in (schedule, unschedule, status):
    app.command()(_command)
