"""Transcripts: what somebody types, what is printed, how it ends.

A transcript is a text file::

    # a remark
    $ localai env set prod
    error: 'prod': the self-hosted lane is for exploratory work only, not for production
    hint: ...
    [2]

``$`` is a command for bash, followed by what it prints on stdout and stderr together and by its
exit code in brackets (left out: 0). ``...`` stands for any text within a line, and on a line of
its own for any number of lines. Commands of one file follow each other in one directory.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, run
from typing import NamedTuple

_EXIT = re.compile(r"\[(\d+)\]")


class Step(NamedTuple):
    """One command; ``line`` is where it stands."""

    line: int
    command: str
    expected: tuple[str, ...]
    code: int


def read_steps(text: str) -> Iterator[Step]:
    """The steps of a transcript. What stands before the first command must be remarks."""
    command, line, expected, code = "", 0, list[str](), 0
    for number, said in enumerate(text.splitlines(), 1):
        if said.startswith("#"):
            continue
        if said.startswith("$ "):
            if command:
                yield Step(line, command, tuple(_trim(expected)), code)
            command, line, expected, code = said[2:], number, [], 0
        elif match := _EXIT.fullmatch(said):
            code = int(match[1])
        elif command:
            expected.append(said)
        elif said.strip():
            raise ValueError(f"line {number}: no command yet: {said}")
    if command:
        yield Step(line, command, tuple(_trim(expected)), code)


def _trim(lines: list[str]) -> list[str]:
    """An empty line before the next command is for the reader."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def put_command(directory: Path, *how: str) -> Path:
    """Make a directory with ``localai`` in it: Python, called with ``how`` and what follows."""
    directory.mkdir()
    command = directory / "localai"
    command.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *how])} "$@"\n')
    command.chmod(0o755)
    return directory


def play(step: Step, directory: Path, environ: Mapping[str, str], wrap: Sequence[str] = ()) -> str:
    """Run one step, inside the command ``wrap``, and say what differs from the transcript, "" if
    nothing does."""
    done = run(
        [*wrap, "bash", "-c", f"set -o pipefail; {step.command}"],
        cwd=directory,
        env=environ,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        check=False,
    )
    printed = done.stdout.decode("utf-8", "backslashreplace")
    if done.returncode == step.code and _matches(step.expected, printed):
        return ""
    wanted = "\n".join([*step.expected, f"[{step.code}]"])
    return (
        f"line {step.line}: $ {step.command}\n"
        f"--- expected\n{wanted}\n--- printed\n{printed.rstrip()}\n[{done.returncode}]"
    )


def _matches(expected: tuple[str, ...], printed: str) -> bool:
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else f"{_line_pattern(line)}\n" for line in expected
    )
    said = printed.rstrip()
    return re.fullmatch(pattern, said + "\n" if said else "") is not None


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(piece) for piece in line.rstrip().split("...")) + r"[ \t]*"
