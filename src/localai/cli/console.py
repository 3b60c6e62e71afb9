"""All printing. Results go to stdout, everything else to stderr.

Rules:

* ``error:`` says what is wrong, ``hint:`` what to do or to type next.
* Nothing is said by colour or by movement alone; there is no colour at all.
* Text from files, models and other people is made printable before it meets a terminal.
* A stream that cannot encode a character gets an ASCII one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from localai import __version__
from localai.errors import LocalAIError, StateError, UsageError
from localai.terminal import printable, sanitise

if TYPE_CHECKING:
    from localai.egress.attribution import Attribution
    from localai.environment import Reading
    from localai.errors import Exit
    from localai.findings import Finding
    from localai.plan.build import Decision
    from localai.plan.facts import Facts
    from localai.reports.report import Report
    from localai.sandbox.status import Layer
    from localai.selftests.result import Result

DISCLOSURE = (
    "AI-generated text. A person must review it before it informs a decision, a record or a "
    "public service."
)
_ASCII = str.maketrans({"…": "...", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "·": "*"})


def out(text: str) -> None:
    """One line (or a block of lines) of the result, on stdout."""
    _write(sys.stdout, text + "\n")


def out_bytes(content: bytes) -> None:
    """A result to the byte, for a file or another program, on stdout."""
    _write(sys.stdout, content)


def say(text: str) -> None:
    """One line (or a block of lines) for the person who watches, on stderr."""
    if sys.stderr is not None:
        _write(sys.stderr, text + "\n")


def print_error(error: LocalAIError) -> None:
    """``error:`` and, where there is one, ``hint:``, on stderr."""
    say(f"error: {printable(error.message)}")
    if error.hint:
        say(f"hint: {printable(error.hint)}")


def print_json(document: Mapping[str, object]) -> None:
    """A document on stdout, in ASCII, so that no locale can spoil it."""
    out(json.dumps(document, indent=2))


def print_start(facts: Facts, decision: Decision) -> None:
    """The start screen, on stderr."""
    from localai.cli import screen

    say(screen.start(facts, decision, width()))


def print_check(facts: Facts, decision: Decision, record: int) -> None:
    """Every gate's answer, on stdout."""
    from localai.cli import screen

    out(screen.check(facts, decision, record, width()))


def print_refusal(decision: Decision, record: int) -> None:
    """What refused, why, and what to do; ``record`` is its number in the evidence log."""
    from localai.cli import screen

    say(screen.refusal(decision, record, width()))


def print_findings(findings: Sequence[Finding]) -> None:
    """Findings one after another, on stdout."""
    from localai.cli import screen

    out(screen.answers(findings, width()))


def print_label(readings: Sequence[Reading], finding: Finding) -> None:
    """Every source of a label, and what follows from them, on stdout."""
    from localai.cli import screen

    out(screen.label(readings, finding, width()))


def print_selftest(report: Report, *, json: bool) -> None:
    """A self-test, on stdout: its screen or its document."""
    if json:
        from localai.reports.document import selftest_document

        print_json(selftest_document(report))
    else:
        from localai.cli.selftests import selftestscreen

        out(selftestscreen.selftest(report, width()))


def print_layers(table: Attribution, code: Exit, *, json: bool) -> None:
    """The table of layers, on stdout: its screen or its document."""
    if json:
        from localai.reports.layers import layers_document

        print_json(layers_document(table, int(code), __version__))
    else:
        from localai.cli.selftests import layersscreen

        out(layersscreen.layers(table, code, __version__, width()))


def print_confinement(layers: Sequence[Layer], when: str) -> None:
    """What was found in force around a guest, on stderr."""
    from localai.cli import screen

    say(screen.confinement(layers, when, width()))


def show_piece(said: str) -> None:
    """A piece of what a model or a guest says, made fit for a terminal, on stdout at once."""
    _write(sys.stdout, sanitise(said))


def print_history(results: Sequence[Result], last: int) -> None:
    """The newest ``last`` results, on stdout."""
    from localai.cli.selftests import selftestscreen

    out(selftestscreen.history(results, last, width()))


def width() -> int:
    """Columns of the terminal (``COLUMNS`` first), 80 where there is none, never under 20."""
    import shutil  # it brings compressors; a start prints while the model loads

    return max(20, shutil.get_terminal_size((80, 24)).columns)


def size_of(path: Path) -> int:
    """Bytes of a file for a progress display; 0 if that cannot be said."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def interactive() -> bool:
    """True if a person can be asked: stdin and stderr are terminals."""
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and not stream.closed and stream.isatty() for stream in streams)


def ask(question: str, default: str = "", *, option: str = "") -> str:
    """Ask for one line. Raises UsageError where nobody can be asked; ``option`` is its way out."""
    _need_a_person(question, option)
    _write(sys.stderr, f"{question} [{default}]: " if default else f"{question}: ")
    answer = sys.stdin.readline()
    if not answer:
        say("")
        raise _nobody(question, option)
    return answer.strip() or default


def confirm(question: str, *, option: str = "") -> bool:
    """Ask for yes or no. Anything but yes is no."""
    return ask(f"{question} (yes/no)", "no", option=option).casefold() in ("y", "yes")


def ask_passphrase(question: str, *, option: str = "") -> str:
    """Ask for a passphrase without showing it."""
    _need_a_person(question, option)
    from getpass import getpass

    return getpass(f"{question}: ")


@contextmanager
def progress(label: str, total: int) -> Iterator[Progress]:
    """A progress display on stderr for ``total`` bytes; it shows itself after half a second."""
    bar = Progress(label, total)
    try:
        yield bar
    finally:
        bar.close()


class Progress:
    """Call it with the bytes done so far. A bar on a terminal, lines on a dumb one (a screen
    reader's, say), nothing where nobody watches."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total = label, max(1, total)
        self._started = time.monotonic()
        self._shown = -1
        self._tty = sys.stderr is not None and sys.stderr.isatty()
        self._dumb = os.environ.get("TERM", "dumb") == "dumb"

    def __call__(self, done: int) -> None:
        percent = min(100, done * 100 // self._total)
        step = 25 if self._dumb else 1
        if not self._tty or percent // step == self._shown // step:
            return
        if time.monotonic() - self._started < 0.5:
            return
        self._shown = percent
        if self._dumb:
            say(f"{self._label}: {percent}%")
            return
        room = max(0, min(40, width() - len(self._label) - 10))
        filled = "#" * (room * percent // 100)
        _write(sys.stderr, f"\r{self._label} [{filled:<{room}}] {percent:3d}%")

    def close(self) -> None:
        """Leave the line to whatever comes next."""
        if self._shown >= 0 and not self._dumb:
            _write(sys.stderr, "\r" + " " * (width() - 1) + "\r")


def flush() -> None:
    """Write what stdout still holds. Raises StateError if that fails (a full disk)."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise _unwritten(error) from error


def give_up_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit stays quiet."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _write(stream: TextIO, text: str | bytes) -> None:
    if isinstance(text, str):
        encoding = stream.encoding or "ascii"
        try:
            text.encode(encoding)  # not with stderr's own errors, which escape all
        except UnicodeEncodeError:
            # "replace" only after the few signs of ours have become their ASCII forms
            text = text.translate(_ASCII)
            text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text) if isinstance(text, str) else stream.buffer.write(text)
        stream.flush()
    except BrokenPipeError:
        if stream is sys.stdout:
            raise
    except OSError as error:
        if stream is sys.stdout:
            give_up_stdout()
            raise _unwritten(error) from error


def _unwritten(error: OSError) -> StateError:
    return StateError(
        f"cannot write the result to stdout: {error.strerror}",
        hint="free some space, or write it somewhere else",
    )


def _need_a_person(question: str, option: str) -> None:
    if not interactive():
        raise _nobody(question, option)


def _nobody(question: str, option: str) -> UsageError:
    return UsageError(
        f"cannot ask for an answer here (no terminal on stdin): {question}",
        hint=f"give {option}" if option else "run this command in a terminal",
    )
