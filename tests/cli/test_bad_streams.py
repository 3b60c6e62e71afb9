"""Streams that are closed or that nobody reads, locales without Unicode, narrow terminals."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest
from home import LOCALAI, SHORT, STARTS, TERMS, Home, start, wait_for_processes

pytestmark = pytest.mark.usefixtures("subreaper")

CLOSED: dict[str, tuple[str, int]] = {
    "stdin": ("<&-", 0),
    "stdout": (">&-", 4),
    "stderr": ("2>&-", 0),
    "stdin and stdout": ("<&- >&-", 4),
    "stdin and stderr": ("<&- 2>&-", 0),
    "all": ("<&- >&- 2>&-", 4),
}


@pytest.mark.parametrize("streams", CLOSED)
@pytest.mark.parametrize("command", ["run", "check", "approve", "verify"])
def test_closed_streams(moved: Home, command: str, streams: str) -> None:
    """What has nowhere to go is not begun; no file of ours takes the place of a stream."""
    closing, code = CLOSED[streams]
    arguments = {"run": SHORT, "approve": TERMS}.get(command, ())
    known, before = moved.records(), moved.files()
    ran = moved.call(
        command, str(moved.model), *arguments, wrap=["sh", "-c", f'exec "$@" {closing}', "sh"]
    )
    assert ran.returncode == code, ran.stderr.decode()
    assert b"Traceback" not in ran.stderr
    records = moved.records()  # every line of it is whole
    started = command in STARTS and code == 0
    assert len(records) - len(known) == started
    if code:
        assert moved.files() == before
        assert ran.stdout == b""
        assert ran.stderr == (b"" if "2>" in closing else
                              b"error: stdout is closed\n"
                              b"hint: give this command somewhere to write to\n")  # fmt: skip
    assert wait_for_processes() == []


def test_what_is_opened_later_takes_no_streams_place() -> None:
    """A message of the C library would go into whatever is descriptor 2."""
    script = (
        "import os\n"
        "from localai.__main__ import main\n"
        "main(['--version'])\n"
        "print(*(os.readlink(f'/proc/self/fd/{fd}') for fd in (0, 2)))\n"
    )
    wrap = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh"]
    ran = subprocess.run([*wrap, LOCALAI[0], "-c", script], capture_output=True, check=True)
    assert ran.stdout.splitlines()[-1] == b"/dev/null /dev/null"


@pytest.mark.parametrize("arguments", [("check", "--json"), ("check",), ("verify",)])
def test_a_reader_that_goes_away(moved: Home, arguments: Sequence[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command, *options = arguments
        ran = moved.call(command, str(moved.model), *options, stdout=write)
    finally:
        os.close(write)
    assert ran.returncode == 4
    assert b"error: whatever read this program's output has gone away" in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert wait_for_processes() == []


LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_locale_without_unicode(moved: Home, locale: str) -> None:
    """Everything is printed, in ASCII, and names and prompts are what their bytes say in UTF-8."""
    model = moved.place / "modèle.gguf"
    shutil.copy(moved.model, model)
    environ = LOCALES[locale]
    approved = moved.call("approve", str(model), *TERMS, environ=environ, check=True)
    assert approved.stderr.isascii()
    assert "modèle.gguf" in (moved.directory / "config/manifests/own.yaml").read_text("utf-8")
    checked = moved.call("check", str(model), environ=environ, check=True)
    assert b"tree " in checked.stdout
    assert checked.stdout.isascii()
    assert b"renamed" not in checked.stdout
    asked = ("run", str(model), "à quoi bon ?", *SHORT[1:])
    started = moved.call(*asked, environ=environ, check=True)
    assert b"..., sealed in memory" in started.stderr  # and not \\u2026
    assert started.stderr.isascii()
    plain = moved.call(*asked, "--json", environ=environ, check=True).stdout
    usual = moved.call(*asked, "--json", check=True).stdout
    assert plain.isascii()
    assert plain[plain.index(b'"text"') : plain.index(b'"stop"')] in usual


@pytest.mark.parametrize("asked", ["prompt", "--system"])
def test_a_prompt_that_is_no_text(moved: Home, asked: str) -> None:
    words = os.fsdecode(b"caf\xe9")
    given = (words,) if asked == "prompt" else ("hi", "--system", words)
    refused = moved.refuses(
        "run", str(moved.model), *given, code=2,
        problem="is not UTF-8 text", remedy="localai run MODEL < prompt.txt",
    )  # fmt: skip
    assert refused == []


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_nothing_is_said_by_colour(moved: Home, environ: dict[str, str]) -> None:
    coloured = {"CLICOLOR_FORCE": "1", "FORCE_COLOR": "1"}
    for command in STARTS:
        ran = moved.call(*start(moved, command), environ=environ, check=True)
        forced = moved.call(*start(moved, command), environ=coloured, check=True)
        for stream in (ran.stdout, ran.stderr, forced.stdout, forced.stderr):
            assert b"\x1b" not in stream


@pytest.mark.parametrize("command", ["run", "check", "approve", "verify"])
def test_twenty_columns(moved: Home, command: str) -> None:
    """Nothing but a path or a digest is longer than the line, in an answer or in a refusal."""
    other = moved.place / "other.gguf"
    other.write_bytes(moved.model.read_bytes()[:-1] + b"\x01")
    for model in (moved.model, other):
        arguments = {"run": SHORT, "approve": ("--source", "a/b", "--licence", "MIT", "--yes")}
        ran = moved.call(
            command, str(model), *arguments.get(command, ()), environ={"COLUMNS": "20"}
        )
        assert ran.returncode in (0, 3)
        if command in ("approve", "verify"):
            continue  # one line a file, for programs to read
        screen = (ran.stderr if command == "run" else ran.stdout).decode()
        lines = screen.split("AI-generated")[0].splitlines()
        assert [line for line in lines if len(line) > 20 and " " in line.strip()] == []
