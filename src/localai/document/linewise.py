"""Read YAML of which every line is whole, as localai writes it, without a YAML library, which a
start would import for nothing else.

Each line is empty, a comment, or a key with one scalar, with a list of scalars, or with what is
indented below it. Where such a line ends, YAML is between two lines of a block, whatever the next
one says (YAML 1.2.2, chapter 8). Nothing is refused here: what looks different in any way is None,
and then YAML itself reads it, or says what is wrong. Tests hold the two against each other.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from localai.document.text import DEPTH, Node

FIRST, LETTER = "[A-Za-z0-9]", "[A-Za-z0-9 ._/+@()-]"
"""What a scalar without quotes begins with, and what it may hold; it ends with no space."""

NO_TEXT = "\ufffe", "\uffff"
"""Clean, but no characters to YAML (YAML 1.2.2, 5.1)."""

PLAIN = rf"{FIRST}{LETTER}*+(?<! )"
_SCALAR = rf'{PLAIN}|"(?:[^"\\]|\\["\\n])*+"'
_LIST = rf"\[(?:(?:{_SCALAR})(?:, (?:{_SCALAR}))*+)?\]"
_LINE = re.compile(rf"( *)(- )?([a-z][a-z0-9-]{{0,62}}):(?: ({_SCALAR}|{_LIST}))?")
_EACH = re.compile(_SCALAR)
_NOTHING = re.compile(r" *(?:#.*)?")


class _Line(NamedTuple):
    """``indent`` is where the key stands; an item's first line has its dash two places before."""

    indent: int
    item: bool
    key: str
    value: str | None


class _Other(Exception):
    """It looks different."""


def read_linewise(text: str) -> dict[str, Node] | None:
    """The tree of ``text``, which holds no character that is refused in documents; None if it has
    to be read as YAML."""
    if any(one in text for one in NO_TEXT):
        return None
    try:
        lines = _Lines(text)
        tree = lines.take_mapping(0, 1)
        return tree if tree and lines.indent is None else None
    except _Other:
        return None


class _Lines:
    """The lines of a text, taken in order."""

    def __init__(self, text: str) -> None:
        self._left = [_split(line) for line in text.split("\n") if not _NOTHING.fullmatch(line)]
        self._left.reverse()

    @property
    def indent(self) -> int | None:
        """Where the next key stands; None at the end."""
        return self._left[-1].indent if self._left else None

    @property
    def begins_item(self) -> bool:
        return bool(self._left) and self._left[-1].item

    def take_mapping(self, indent: int, depth: int) -> dict[str, Node]:
        """The mapping whose keys stand at ``indent``: what is left where another begins."""
        if depth > DEPTH:
            raise _Other
        found: dict[str, Node] = {}
        while self.indent == indent and not (found and self.begins_item):
            line = self._left.pop()
            if line.key in found:
                raise _Other
            found[line.key] = self._take_value(line, depth + 1)
        return found

    def _take_value(self, line: _Line, depth: int) -> Node:
        if line.value is None:
            return self._take_block(line.indent, depth)
        if line.value[0] != "[":
            return read_scalar(line.value)
        if depth > DEPTH:
            raise _Other
        return [read_scalar(one) for one in _EACH.findall(line.value)]

    def _take_block(self, outer: int, depth: int) -> Node:
        """What is indented below a key at ``outer``."""
        indent, items = self.indent, list[Node]()
        if indent is None or indent - 2 * self.begins_item <= outer or depth > DEPTH:
            raise _Other
        if not self.begins_item:
            return self.take_mapping(indent, depth)
        while self.indent == indent and self.begins_item:
            items.append(self.take_mapping(indent, depth + 1))
        return items


def _split(line: str) -> _Line:
    match = _LINE.fullmatch(line)
    if match is None:
        raise _Other
    spaces, dash, key, value = match.groups()
    return _Line(len(spaces) + 2 * bool(dash), bool(dash), key, value)


def read_scalar(scalar: str) -> str:
    """The text of a scalar without quotes, or in double ones with escapes that JSON has, too."""
    if scalar[0] != '"':
        return scalar
    # What is escaped here, JSON and YAML escape alike (YAML 1.2.2, 5.7).
    return str(json.loads(scalar)) if "\\" in scalar else scalar[1:-1]
