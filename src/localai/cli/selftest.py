"""``localai selftest``: try every way out of this host's sandbox, and keep the result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.cli.selftests.scheduling import schedule, status, unschedule
from localai.errors import Exit, UsageError
from localai.terminal import show_path

app = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)


@app.callback()
def selftest(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="print localai.selftest/1")] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="write a JUnit report")] = None,
    prometheus: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="write metrics for the textfile collector: NAME.prom"),
    ] = None,
    syslog: Annotated[
        bool, typer.Option("--syslog", help="announce start and end to the system log")
    ] = False,
    syslog_socket: Annotated[
        Path, typer.Option(metavar="SOCKET", help="where the system log listens")
    ] = Path("/dev/log"),
    explain: Annotated[
        str | None,
        typer.Option(metavar="PROBE", help="say what a probe is and what stops it; try nothing"),
    ] = None,
    layers: Annotated[
        bool,
        typer.Option(
            "--layers", help="try it with each layer alone and each missing; keep nothing"
        ),
    ] = False,
) -> int:
    """Try every way out of a confined worker and of the launcher, each shown to work elsewhere.

    Exit code 0: all blocked, all controls arrived; 3: something got out; 4: something could not
    be checked. Every result is kept.
    """
    if context.invoked_subcommand:
        _refuse_options(context)
        return Exit.DONE
    from localai.cli.selftests import proving, selftestscreen
    from localai.cli.surroundings import look_around

    if explain is not None:
        console.out(selftestscreen.explanation(explain, console.width()))
        return Exit.DONE
    if layers:
        from localai.cli.selftests.layers import show_layers

        if junit or prometheus or syslog:
            raise UsageError(
                "of all reports --layers has only --json", hint="localai selftest --layers --json"
            )
        return show_layers(look_around(), json=json)
    log = syslog_socket if syslog else None
    outputs = proving.check_outputs(proving.Outputs(json, junit, prometheus, log))
    report = proving.prove(look_around(), outputs)
    proving.deliver(report, outputs)
    return report.exit_code


@app.command()
def history(
    last: Annotated[int, typer.Option(min=1, help="how many to print")] = 20,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write all of them as one page instead")
    ] = None,
) -> int:
    """Show the results that were kept, oldest first.

    Exit code 4: the log was changed or cannot be read.
    """
    from localai.cli.surroundings import look_around
    from localai.selftests.history import read_history

    around = look_around()
    results = read_history(around.places.selftests)
    if html is None:
        console.print_history(results, last)
        return Exit.DONE
    from localai.atomicfile import write_whole
    from localai.reports.page import page

    write_whole(html, page(results, around.host_name, around.now), mode=0o644)
    console.say(f"wrote {show_path(html)}: {len(results)} results")
    return Exit.DONE


for _further in (schedule, unschedule, status):
    app.command()(_further)


def _refuse_options(context: typer.Context) -> None:
    """Options of the self-test mean nothing before a subcommand."""
    given = [name for name in context.params if (source := context.get_parameter_source(name))
             and source.name == "COMMANDLINE"]  # fmt: skip
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} does not go with {context.invoked_subcommand}",
            hint=f"localai selftest {context.invoked_subcommand} --help",
        )
