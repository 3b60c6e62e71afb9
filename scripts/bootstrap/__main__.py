"""quickstart, test and wheelhouse: parse, look at what is missing, do the steps."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap import checks, engine_source, home, model, model_signing, needs, wheels
from bootstrap.environment import Environment
from bootstrap.errors import CannotError
from bootstrap.fuzz import fuzz
from bootstrap.paths import Checkout
from bootstrap.pip import Pip
from bootstrap.screen import Step, say

COULD_NOT_ACT, INTERRUPTED = 4, 130
TEST_HELP = """\
usage: scripts/test [--tests-only] [PYTEST ARGUMENT...]

Run ruff, mypy (strict) and pytest, after making what they need. Everything but --tests-only,
which leaves out ruff and mypy, goes to pytest: scripts/test tests/unit -k manifest"""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end our children too
    checkout = Checkout(Path(__file__).resolve().parents[2])
    # start.sh set PYTHONPATH for us alone.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command, rest = arguments[0], list(arguments[1:])
    try:
        if command == "quickstart":
            quickstart(checkout, environ, rest)
        elif command == "wheelhouse":
            wheelhouse(checkout, environ, rest)
        elif command == "fuzz":
            return fuzz(checkout, environ, rest)
        else:
            return test(checkout, environ, rest)
    except CannotError as error:
        say(f"error: {error.message}")
        if error.hint:
            say(f"hint:  {error.hint}")
        return COULD_NOT_ACT
    except OSError as error:  # a full disk, a file that is not ours
        say(f"\nerror: {error.filename or command}: {error.strerror}")
        say("hint:  put that right and run this again: it goes on after the last step done")
        return COULD_NOT_ACT
    except KeyboardInterrupt:
        say("\ninterrupted: run it again, and it goes on after the last step done")
        return INTERRUPTED
    return 0


def quickstart(checkout: Checkout, environ: Mapping[str, str], arguments: Sequence[str]) -> None:
    """Make what is missing and become ``localai run``."""
    parser = argparse.ArgumentParser(
        prog="scripts/quickstart",
        description="Install localai into .venv, bring the demo model and run it on a prompt; "
        "without a prompt, at a terminal, open the chat. The first run compiles the engine, which "
        "takes minutes; the next ones take seconds and use no network.",
    )
    parser.add_argument("prompt", nargs="*", metavar="PROMPT")
    parser.add_argument(
        "--wheels",
        type=Path,
        metavar="DIR",
        help="install from a folder that scripts/wheelhouse made: no compiler, no network",
    )
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="run this GGUF file instead of the demo model"
    )
    asked = parser.parse_args(arguments)
    folder, given = (path and path.absolute() for path in (asked.wheels, asked.model))
    if given and not given.is_file():
        raise CannotError(f"{given} is no file", "name a GGUF file")

    also = [needs.whole_checkout(checkout), needs.no_administrator()]
    with alone(checkout):
        make(checkout, environ, folder=folder, model_given=given is not None, also=also)
        if given is None or model.is_demo_model(given):
            place = checkout.home
            home.DemoHome(checkout, environ, _machine_id()).make(time.time())
        else:
            place = checkout.home / "own"
            home.approve_model(checkout, environ, place, given)
    home.run_model(checkout, environ, place, given or checkout.model, " ".join(asked.prompt))


def test(checkout: Checkout, environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Make what the tests need and run all checks."""
    if list(arguments) in (["--help"], ["-h"]):
        print(TEST_HELP)
        return 0
    with alone(checkout):
        make(checkout, environ, extra="dev")
        if not environ.get(engine_source.VARIABLE):
            engine_source.bring_engine_source(checkout, Pip(checkout.venv, environ))
            environ = {**environ, engine_source.VARIABLE: str(checkout.engine_source)}
        if not environ.get(model_signing.VARIABLE):
            environ = {**environ, **model_signing.bring_model_signing(checkout, environ)}
    return checks.run_checks(
        checkout,
        {**environ, "LOCALAI_DEMO_MODEL": str(checkout.model)},
        [argument for argument in arguments if argument != "--tests-only"],
        tests_only="--tests-only" in arguments,
    )


def wheelhouse(checkout: Checkout, environ: Mapping[str, str], arguments: Sequence[str]) -> None:
    """Fill a folder to install from."""
    parser = argparse.ArgumentParser(
        prog="scripts/wheelhouse",
        description="Fill a folder from which scripts/quickstart --wheels installs, without "
        "network and compiler, on machines with the same Python, the same kind of processor, and "
        "this C library or a newer one.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("wheels"),
        metavar="DIR",
        help="default: wheels",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="also bring what a staging host needs to fetch from a hub",
    )
    asked = parser.parse_args(arguments)
    folder = asked.folder.absolute()
    space = needs.ENGINE_BUILD_SPACE + needs.ENVIRONMENT_SPACE
    needs.require([*_basics(checkout), needs.compiler(environ), needs.space(checkout, space)])
    with alone(checkout):
        Environment(checkout, environ).make()
        wheels.fill(folder, checkout, environ, wheels.STAGING if asked.fetch else wheels.EXTRAS)
    say(
        f"\ncopy {folder} and a clone of this repository to the other machine, and run there\n"
        f"scripts/quickstart --wheels {folder.name}"
    )


def make(
    checkout: Checkout,
    environ: Mapping[str, str],
    *,
    extra: str = "",
    folder: Path | None = None,
    model_given: bool = False,
    also: Sequence[needs.Missing | None] = (),
) -> None:
    """Make the environment, the demo model and the installation, if all that they need is here."""
    environment = Environment(checkout, environ)
    install = not environment.is_installed(extra)
    bring = not model_given and not checkout.model.exists()
    compiles = install and folder is None
    needs.require(
        [
            *_basics(checkout),
            *also,
            wheels.fits(folder, checkout) if folder and (install or bring) else None,
            needs.compiler(environ) if compiles else None,
            needs.space(
                checkout,
                install * needs.ENVIRONMENT_SPACE
                + compiles * needs.ENGINE_BUILD_SPACE
                + bring * needs.MODEL_SPACE,
            ),
        ]
    )
    if compiles:
        say("localai: the first run fetches and compiles the engine: about 2 minutes on 2 cores\n")
    environment.make()
    if not model_given:
        pip = Pip(checkout.venv, environ, offline=folder is not None)
        model.bring_model(checkout, pip, folder)
    environment.install(extra=extra, wheels=folder)


def _basics(checkout: Checkout) -> list[needs.Missing | None]:
    return [needs.machine(), needs.writable(checkout)]


@contextlib.contextmanager
def alone(checkout: Checkout) -> Iterator[None]:
    """Let no two runs work in one checkout at once."""
    needs.require([needs.writable(checkout)])
    checkout.home.mkdir(mode=0o700, exist_ok=True)
    with (checkout.home / "lock").open("w") as lock:
        step = Step("waiting")
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                step.tick("another run works in this folder")
                time.sleep(0.2)
            else:
                break
        yield


def _machine_id() -> bytes:
    try:
        return Path("/etc/machine-id").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
