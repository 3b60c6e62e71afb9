"""The command line: one table of commands, and the way from a name to its module.

A command's module is imported when the command is called, so that ``localai --help`` needs none
of them. A module offers either ``app`` (a ``typer.Typer`` with subcommands) or ``command`` (one
function, whose return value is the exit code; ``None`` is 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from localai import __version__
from localai.errors import Exit, UsageError


class Command(NamedTuple):
    """One line of ``localai --help``."""

    name: str
    help: str


# In the order in which a newcomer meets them.
GROUPS: tuple[tuple[str, tuple[Command, ...]], ...] = (
    (
        "Run a model",
        (
            Command("run", "verify a model, seal it, prove that nothing leaves, and talk to it"),
            Command("check", "ask every gate and probe the sandbox, load nothing"),
            Command("verify", "say whether files are approved and intact"),
        ),
    ),
    (
        "Approve models",
        (
            Command("fetch", "bring a model from a hub that the policy names, into quarantine"),
            Command("store", "what was brought here, how far it has come, and its next step"),
            Command("bundle", "carry models, and what approves them, to a host without a network"),
            Command("inspect", "say what a file is before anybody approves it, run nothing"),
            Command("approve", "show what a file is, and write and sign its entry"),
            Command("manifest", "make, change, sign and read manifests"),
            Command("keys", "make and show signing keys"),
            Command("trust", "make, show and replace the root of trust; revoke"),
        ),
    ),
    (
        "Prepare this host",
        (
            Command("setup", "label this host, make a key, a root of trust and a manifest"),
            Command("env", "show or set the label of this host"),
            Command("doctor", "say what this host can enforce, and what to do about the rest"),
        ),
    ),
    (
        "Prove that nothing leaves",
        (
            Command("selftest", "try every way out, and keep, report and schedule the results"),
            Command("sandbox", "run a command or a script of your own, confined as a worker is"),
        ),
    ),
)
COMMANDS = {command.name: command for _, commands in GROUPS for command in commands}

NEED_A_WORKER = frozenset({"run", "check"})

EXAMPLES = """\
Examples:
  localai approve model.gguf               approve a model that you downloaded
  localai run model.gguf                   talk to it
  localai run model.gguf "Why?"            one answer, on stdout
  localai check model.gguf --json          every check, for a program to read
"""


def help_text() -> str:
    """What ``localai --help`` prints: examples first, then the commands by task."""
    lines = [
        f"localai {__version__}: run an open language model on this machine, sealed by the kernel.",
        "",
        EXAMPLES.rstrip(),
    ]
    for title, commands in GROUPS:
        lines += ["", f"{title}:"]
        lines += [f"  {command.name:<10} {command.help}" for command in commands]
    lines += [
        "",
        "localai COMMAND --help says more. Exit codes: 0 done, 1 bug, 2 usage, 3 refused,",
        "4 could not act, 130 interrupted.",
    ]
    return "\n".join(lines)


def dispatch(arguments: Sequence[str]) -> int:
    """Find the command, run it and return its exit code.

    Raises UsageError for a command line that makes no sense, LocalAIError for inability.
    """
    name = arguments[0] if arguments else "--help"
    if name in COMMANDS:
        return _run(name, list(arguments[1:]))
    from localai.cli import console  # a start begins before this is imported

    if name in ("--help", "-h", "help"):
        console.out(help_text())
    elif name == "--version":
        console.out(f"localai {__version__}")
    else:
        raise _unknown(name)
    return Exit.DONE


def _unknown(name: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"localai {near[0]} --help" if near else "localai --help"
    return UsageError(f"there is no command {name!r}", hint=hint)


def _run(name: str, arguments: list[str]) -> int:
    if _needs_a_worker(name, arguments):
        from localai.beginning import begin_ahead, confine_ahead, forget_beginning, spawn_ahead

        spawn_ahead()
        try:
            from localai.cli.surroundings import look_around

            begin_ahead(look_around().places)
            import typer  # noqa: F401 - slow, and the laboratory gets ready meanwhile

            confine_ahead()
            return _run_command(name, arguments)
        finally:
            forget_beginning()
    return _run_command(name, arguments)


def _needs_a_worker(name: str, arguments: list[str]) -> bool:
    """True if the command line looks as if it will: a guess, which only costs time if wrong."""
    return name in NEED_A_WORKER and bool(arguments) and not {"--help", "-h"} & {*arguments}


def _run_command(name: str, arguments: list[str]) -> int:
    import typer
    from typer.main import get_command

    module = import_module(f"localai.cli.{name}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(name)(module.command)
    elif not arguments and app.info.no_args_is_help is True:
        arguments = ["--help"]
    # make_context and invoke instead of main(): that one has its own ideas of what an interrupt,
    # a closed stdin and a broken pipe mean, and __main__ owns those.
    command = get_command(app)
    for part in getattr(command, "commands", {}).values():  # else a first sentence is cut at a line
        part.short_help = part.get_short_help_str(limit=1000)
    # Typer exports only a leaf of its parser's errors; every wrong command line is its base.
    wrong: type[Exception] = typer.BadParameter.__mro__[1]
    try:
        with command.make_context(
            f"localai {name}", arguments, help_option_names=["-h", "--help"]
        ) as context:
            return int(command.invoke(context) or Exit.DONE)
    except typer.Exit as done:
        return done.exit_code
    except wrong as error:
        described = getattr(error, "format_message", error.__str__)()
        path = getattr(getattr(error, "ctx", None), "command_path", f"localai {name}")
        raise UsageError(described.rstrip("."), hint=f"{path} --help") from error
