"""Entry point of the ``localai`` command: exceptions become messages and exit codes here."""

from __future__ import annotations

import os
import sys

from localai.errors import Exit, LocalAIError, PlatformError, StateError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code (see :class:`localai.errors.Exit`).

    A bug is not caught: Python prints its traceback and exits with 1, which is ``Exit.BUG``.
    """
    _occupy_standard_descriptors()
    try:
        from localai.cli import dispatch  # an interrupt while it is imported is one like any other

        if sys.stdout is None:
            raise StateError("stdout is closed", hint="give this command somewhere to write to")
        if not sys.platform.startswith("linux"):
            raise PlatformError(
                f"localai needs Linux, found {sys.platform}",
                hint="the sandbox is made of Linux kernel mechanisms; run it on a Linux host",
            )
        code = dispatch(sys.argv[1:] if arguments is None else arguments)
        from localai.cli import console

        console.flush()
    except (LocalAIError, BrokenPipeError, KeyboardInterrupt) as error:
        return _explain(error)
    return code


def _explain(error: LocalAIError | BrokenPipeError | KeyboardInterrupt) -> Exit:
    from localai.cli import console  # a start begins before this is imported

    if isinstance(error, KeyboardInterrupt):
        console.say("interrupted")
        return Exit.INTERRUPTED
    if isinstance(error, LocalAIError):
        console.print_error(error)
        return error.exit_code
    console.give_up_stdout()
    console.print_error(
        LocalAIError(
            "whatever read this program's output has gone away, the rest was not written",
            hint="read all of it, or write it to a file",
        )
    )
    return Exit.COULD_NOT_ACT


def _occupy_standard_descriptors() -> None:
    """Let no file that is opened later be stdin, stdout or stderr: a message of Python's or of
    the C library would be written into it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= 2:
        pass
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
