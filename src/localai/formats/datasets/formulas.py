"""Cells that a spreadsheet would run (OWASP, "CSV Injection")."""

from __future__ import annotations

import re

# What a formula begins with, also full-width, and white space before it.
STARTS = frozenset("=+-@＝＋－＠ \t\r\n")
_NUMBER = re.compile(r"\s*+[-+]?[\d.,]*+")  # the most of what begins so
_EQUATION = re.compile(r"[=＝]\s*+[-+@&({$\[#\"'.]*+\w")
_CALL = re.compile(r"\w\(|!\$?[a-z]{1,3}\$?\d|#\$", re.I)  # a function; a cell of another table
_CELLS = re.compile(r"(?:[-+@＋－＠*/^&:,\s]*+\$?[a-z]{1,3}\$?\d{1,7})+\s*", re.I | re.A)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would do more than show it. Numbers below zero, numbers of telephones,
    names with an @ and items of a list begin like formulas: of those, only what calls a function
    or a program (DDE), or reads other cells, is one."""
    if cell[:1] not in STARTS or _NUMBER.fullmatch(cell):
        return False
    cell = cell.lstrip()
    if cell[:1] in ("=", "＝"):
        return bool(_EQUATION.match(cell))
    if cell[:1] not in STARTS:
        return False
    calls = _CALL.search(cell) or "!" in cell.partition("|")[2]
    return bool(calls or _CELLS.fullmatch(cell))
