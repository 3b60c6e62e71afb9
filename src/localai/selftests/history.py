"""The log of results: one chained line for each self-test, in the account's state directory."""

from __future__ import annotations

from pathlib import Path

from localai.errors import DocumentError, StateError
from localai.records.log import append, read_last, read_lines
from localai.selftests.result import Result, read_result, result_line


def keep(path: Path, result: Result) -> Result:
    """Have ``result`` on the disk and return it with its number.

    Raises StateError if the log is damaged or cannot be written; it then ends where it ended.
    """
    return result._replace(number=append(path, result_line(result)))


def newest(path: Path) -> Result | None:
    """The result that was written last, None if there is none yet.

    Last is who stands last: a clock that was put back changes nothing. Raises StateError if the
    log cannot be read or its last line is no result.
    """
    line = read_last(path)
    return _read(path, line) if line is not None else None


def read_history(path: Path) -> tuple[Result, ...]:
    """Every result, oldest first. Raises StateError if the log cannot be read, if a line is no
    result, or if one was changed or taken out (the chain does not hold)."""
    return tuple(_read(path, line) for line in read_lines(path))


def _read(path: Path, line: dict[str, object]) -> Result:
    try:
        return read_result(line)
    except DocumentError as error:
        raise StateError(
            f"{path}: line {line.get('number')} is no result: {error.message}",
            hint=f"keep it as evidence and begin a new log: mv {path} {path}.damaged",
        ) from error
