"""``localai sandbox``: try the sandbox from the inside, with a command or a script of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localai.sandbox.status import Layer

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_SIGNALLED = 128  # a shell's exit code for a command that a signal has ended, less the signal
_SIGSYS = -31


@app.callback()
def sandbox() -> None:
    """Try the sandbox from the inside, with a command or a script of your own."""


@app.command(name="exec")
def execute(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="what to run")],
) -> int:
    """Run a command as a worker is confined while it imports.

    It can start no other program and no process, and keeps this terminal. What is in force goes
    to stderr first, and so does what is not: this is not the final confinement. Of files that
    this account owns (root: of any) the command may still change modes, owners, times and
    attributes (chmod, chown, utime, setxattr). The final confinement, where it can reach no file
    at all, is that of: localai sandbox script.

    The exit code is the command's, or 128 and the number of the signal that ended it.
    """
    from localai.cli.surroundings import look_around
    from localai.guest import run_command

    around = look_around()
    search = around.environ.get("PATH", "/usr/bin:/bin")
    return _exit_code(run_command(command, search, around.places, _report("while it imports")))


@app.command()
def script(
    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="a Python file")],
) -> int:
    """Run a Python file in exactly a worker's final confinement, in place of the engine.

    It has what a worker has imported, and can import nothing more. What is in force goes to
    stderr first. The exit code is the script's, or 128 and the number of the signal that ended it.
    """
    from localai.cli.surroundings import look_around
    from localai.guest import run_script

    report = _report("around a model")

    def pass_on(said: bytes) -> None:
        console.show_piece(said.decode("utf-8", "backslashreplace"))

    return _exit_code(run_script(file, look_around().places, report, pass_on))


def _report(when: str) -> Callable[[Sequence[Layer]], None]:
    return lambda layers: console.print_confinement(layers, when)


def _exit_code(ended: int) -> int:
    if ended >= 0:
        return ended
    if ended == _SIGSYS:
        console.say("ended by SIGSYS: it tried a system call that ends a worker")
    return _SIGNALLED - ended
