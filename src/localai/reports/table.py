"""A table as CSV. Source: RFC 4180, in UTF-8. What a spreadsheet would take for a formula is marked
as text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

from localai.terminal import printable

_FORMULA = re.compile(r"(^|;\s*)([=+@\uff1d\uff0b\uff20\uff0d-])")  # full width ones as well


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The file's content."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_tame(field) for field in row])
    return text.getvalue().encode()


def _tame(field: str) -> str:
    """A field that no spreadsheet computes (OWASP, CSV injection): with an apostrophe in front.

    Where the comma is a decimal sign, spreadsheets part fields at ``;``: so before each part.
    """
    return _FORMULA.sub(r"\1'\2", printable(field))
