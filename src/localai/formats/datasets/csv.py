"""CSV and its relatives (RFC 4180): rows, columns, and cells that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain

from localai.findings import Finding, Verdict
from localai.formats.contents import Contents, Fact
from localai.formats.datasets.formulas import STARTS, is_formula
from localai.formats.datasets.signs import Lines
from localai.formats.datasets.survey import Survey
from localai.formats.finding import DATASET, note
from localai.terminal import printable

MAX_CELL = 1 << 20  # characters
MAX_ROW = 8 << 20  # characters of one row, over however many lines its quotes stretch
SHOWN_COLUMNS = 16
_SEPARATORS = (",", "\t", ";", "|")


class _TooLongError(Exception):
    """A row that is not taken apart; the lines behind it are searched all the same."""


def inspect_csv(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes of CSV behind ``fd``; a row is counted as one,
    however many lines it has. The first row, which names the columns as a rule, counts too."""
    survey = Survey(fd, size)
    table = _Table(survey)
    table.read()
    columns = tuple(printable(cell[:80]) for cell in table.columns[:SHOWN_COLUMNS])
    facts = (
        *survey.facts(),
        Fact("rows", table.rows, f"{table.rows}, the first included"),
        Fact("separator", {"\t": "tab"}.get(table.separator, table.separator)),
        Fact("columns", len(table.columns), f"{len(table.columns)}: {', '.join(columns)}"),
    )
    return Contents(facts, (*survey.findings(), *table.findings()))


class _Table:
    """The rows seen so far."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.separator = ","
        self.columns: list[str] = []
        self.rows = 0
        self.pending = 0
        self.stopped = 0  # the line from which on no row was taken apart
        self.ragged = Lines()
        self.formulas = Lines()

    def read(self) -> None:
        """Go through the whole file, row by row as long as that is possible."""
        lines = self.each_line()
        first = next(lines, "")
        self.separator = max(_SEPARATORS, key=(first or "").count)
        reader = csv.reader(self.bounded(chain([first], lines)), delimiter=self.separator)
        before = csv.field_size_limit(MAX_CELL)  # one for the whole process
        began = 1
        try:
            for row in reader:
                self.take(row, began)
                began = reader.line_num + 1
        except (csv.Error, _TooLongError):
            self.stopped = began
        finally:
            csv.field_size_limit(before)
        for _ in lines:
            pass  # searched, though not taken apart

    def each_line(self) -> Iterator[str | None]:
        """The lines, searched; None for a piece of one that is too long."""
        for block in self.survey.blocks():
            self.survey.signs.look(block)
            if block.whole:
                yield from (line.decode("utf-8", "replace") for line in io.BytesIO(block.data))
            else:
                yield None

    def bounded(self, lines: Iterable[str | None]) -> Iterator[str]:
        """The lines as long as no row, over however many of them it goes, is too long."""
        for line in lines:
            self.pending += MAX_ROW if line is None else len(line)
            if line is None or self.pending > MAX_ROW:
                raise _TooLongError
            yield line

    def take(self, row: list[str], line: int) -> None:
        self.pending = 0
        if not row:
            return
        if not self.rows:
            self.columns = row
        self.rows += 1
        if len(row) != len(self.columns):
            shown = f"{len(row)} cells; expected {len(self.columns)}"
            self.ragged.add(line, shown.encode())
        for cell in row:
            if cell and cell[0] in STARTS and is_formula(cell):
                self.formulas.add(line, cell[:40].encode("utf-8", "replace"))

    def findings(self) -> list[Finding]:
        seen = (("formulas", self.formulas), ("ragged rows", self.ragged))
        found = [note(DATASET, summary, str(lines)) for summary, lines in seen if lines.count]
        if self.stopped:
            evidence = (
                f"from line {self.stopped} on: a row or cell that is too long or ends nowhere"
            )
            summary = "rows not read"
            found.append(Finding(DATASET, Verdict.NOT_CHECKED, summary, evidence))
        return found
