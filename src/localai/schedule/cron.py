"""One line in the account's crontab, for hosts without systemd. Source: crontab(1), crontab(5)."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.errors import StateError, UsageError
from localai.places import make_private
from localai.schedule.ground import Ground, ask, variables
from localai.schedule.rhythm import FIXED
from localai.schedule.systemd import NAME
from localai.smallfile import read_small

_MARK = f" # {NAME}"
_OTHERS = f"crontab -l | grep -v '{_MARK}$'"  # for a shell; ``_others`` is the same


class Line(NamedTuple):
    """Our line, and the command that is left for somebody to type, "" if it is in force."""

    rhythm: str
    text: str
    left: str = ""


def line_text(ground: Ground, rhythm: str) -> str:
    """The crontab's line. What a self-test prints is kept in its history: cron would mail it.

    Raises UsageError for a calendar expression, StateError for a path that no crontab can name.
    """
    if rhythm not in FIXED:
        raise UsageError(
            "systemd does not run here, and cron cannot read a calendar expression of systemd's",
            hint="localai selftest schedule --daily, or --hourly",
        )
    words = [f"{name}={quote(value)}" for name, value in variables(ground).items()]
    words += [quote(word) for word in ground.program]
    command = " ".join(words)
    if not command.isprintable():
        raise StateError(
            f"{command!r} cannot be written into a crontab",
            hint="move localai, with its directories, to paths of printable letters",
        )
    escaped = command.replace("%", "\\%")  # to cron a bare % is the end of the command
    return f"@{rhythm} {escaped} >/dev/null 2>&1{_MARK}"


def install(ground: Ground, rhythm: str) -> Line:
    """Put our line into the crontab in place of the one that may be there. Raises StateError.

    In a moved home the line goes into a file of its own, and nothing of this host's changes.
    """
    text = line_text(ground, rhythm)
    if ground.moved:
        path = _moved_file(ground)
        make_private(path.parent)
        write_whole(path, f"{text}\n".encode())
        return Line(rhythm, text, _take_up(path))
    _write(ground, [*_others(_read(ground)), text])
    return Line(rhythm, text)


def remove(ground: Ground) -> Line | None:
    """Take our line out of the crontab and return it; None if it is not there."""
    if ground.moved:
        found = _find_moved(ground)
        _moved_file(ground).unlink(missing_ok=True)
        return found._replace(left=f"{_OTHERS} | crontab -") if found else None
    found = find_line(ground)
    if found:
        _write(ground, _others(_read(ground)))
    return found


def find_line(ground: Ground) -> Line | None:
    """Our line in the crontab, None if there is none or no cron. Raises StateError.

    A moved home's line is found in its own file, and is in force if the crontab has it too.
    """
    if not ground.moved:
        return _find(_read(ground) if ground.crontab else [])
    found = _find_moved(ground)
    if found and (not ground.crontab or found.text not in _read(ground)):
        return found._replace(left=_take_up(_moved_file(ground)))
    return found


def _find_moved(ground: Ground) -> Line | None:
    content = read_small(_moved_file(ground)) or b""
    return _find(content.decode("utf-8", "replace").split("\n"))


def _find(lines: list[str]) -> Line | None:
    for line in lines:
        if line.endswith(_MARK) and not line.startswith("#"):
            return Line(line.split()[0].removeprefix("@"), line)
    return None


def _moved_file(ground: Ground) -> Path:
    return ground.places.config / "crontab"


def _take_up(path: Path) -> str:
    return f"({_OTHERS}; cat {quote(str(path))}) | crontab -"


def _others(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.endswith(_MARK)]


def _read(ground: Ground) -> list[str]:
    answer = ask(ground, [ground.crontab, "-l"])
    if answer.code == 0:
        return answer.out.removesuffix("\n").split("\n")
    if "no crontab for" in answer.said:
        return []
    raise StateError(
        f"crontab -l failed: {answer.said}", hint="crontab -l, and see to what it says"
    )


def _write(ground: Ground, lines: list[str]) -> None:
    answer = ask(ground, [ground.crontab, "-"], "".join(f"{line}\n" for line in lines))
    if answer.code:
        raise StateError(
            f"crontab refuses the line: {answer.said}", hint="crontab -l, and see to what it says"
        )
