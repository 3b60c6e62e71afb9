"""Search values for signs of harm, each value as if it were one line of a text."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

from localai.formats.datasets.formulas import STARTS, is_formula
from localai.formats.datasets.jsonl import is_crowded, spell_out
from localai.formats.datasets.parquet.schema import Role
from localai.formats.datasets.signs import Block, Lines, Signs, show
from localai.formats.datasets.survey import MAX_LINE, OVERLAP, between_characters

UNREAD = "cells not read"
_BLOCK = 1 << 20  # bytes of values that are searched at once
_CELL = 1 << 20  # bytes of a value in which a formula is looked for
_EACH = 60  # bytes that a value takes in memory beside its own
_TEXTS = 4096  # excerpts of a dictionary that are kept
_FORMULA = re.compile(
    b"^(?:" + b"|".join(re.escape(start.encode()) for start in STARTS - {"\n"}) + b")[^\n]*", re.M
)
Value = bytes | bytearray


class Entries(Lines):
    """Lines of which all are kept, with what many of them look like."""

    def __init__(self) -> None:
        super().__init__()
        self.all = array("I")
        self.texts: dict[int, str] = {}

    def add(self, line: int, text: bytes = b"") -> None:
        if not self.all or line > self.all[-1]:
            self.all.append(line)
            if len(self.texts) < _TEXTS:
                self.texts[line] = show(text)
        super().add(line, text)


class Search:
    """The signs found so far in the values of a column that has this ``role``; the first value is
    line 1."""

    def __init__(self, role: Role, keep: Callable[[], Lines] = Lines) -> None:
        self.role = role
        self.signs = Signs(keep)
        self.formulas = keep()
        self.unread = keep()

    def take(self, values: Iterable[Value]) -> None:
        """Search all of them."""
        for block in _each_block(values):
            self.look(self.read(block))

    def look(self, block: Block) -> None:
        """Search one block, in which each value is as it is to be read."""
        self.signs.look(block)
        line, before = block.line, 0
        for found in _FORMULA.finditer(block.data) if block.whole else ():
            line, before = line + block.data.count(b"\n", before, found.start()), found.start()
            if is_formula(found[0][:_CELL].decode("utf-8", "replace")):
                self.formulas.add(line, found[0][:40])

    def read(self, block: Block) -> Block:
        """The block as it is to be searched: without values that are no text, where the file does
        not say that they are; in JSON, with the texts that escapes stand for."""
        json_ = self.role is Role.JSON
        plain = b"\\u" not in block.data if json_ else _is_text(block.data)
        if plain or self.role not in (Role.JSON, Role.BYTES):
            return block
        lines = block.data.split(b"\n")
        for place, line in enumerate(lines):
            try:
                lines[place] = _read_json(line) if json_ else _read_text(line)
            except (ValueError, RecursionError):
                self.unread.add(block.line + place)
                lines[place] = line if json_ else b""
        return block._replace(data=b"\n".join(lines))

    def seen(self) -> Sequence[tuple[str, Lines]]:
        """Each sign and its lines; last, the values that were not searched."""
        return (*self.signs.seen(), ("formulas", self.formulas), (UNREAD, self.unread))


def _is_text(data: bytes) -> bool:
    try:
        _read_text(data)
    except UnicodeDecodeError:
        return False
    return True


def _read_text(line: bytes) -> bytes:
    line.decode()
    return line


def _read_json(line: bytes) -> bytes:
    if b"\\u" not in line:
        return line
    if is_crowded(line):
        raise ValueError
    return spell_out(json.loads(line))


def _each_block(values: Iterable[Value]) -> Iterator[Block]:
    """Values, a line each; one that is too long comes in pieces, of which the first is marked as
    whole: it is where the value begins."""
    line, size, lines = 1, 0, list[Value]()
    for value in values:
        if lines and size + len(value) > MAX_LINE:
            yield _join(line, lines)
            line, size, lines = line + len(lines), 0, []
        if len(value) > MAX_LINE:
            yield from _cut(line, bytes(value))
            line += 1
            continue
        lines.append(value)
        size += len(value)
        if size + len(lines) * _EACH > _BLOCK:
            yield _join(line, lines)
            line, size, lines = line + len(lines), 0, []
    if lines:
        yield _join(line, lines)


def _join(line: int, values: Sequence[Value]) -> Block:
    data = b"\n".join(values)
    if data.count(b"\n") >= len(values):
        data = b"\n".join([value.replace(b"\n", b" ") for value in values])
    return Block(line, data)


def _cut(line: int, value: bytes) -> Iterator[Block]:
    value = value.replace(b"\n", b" ")
    at = 0
    while at < len(value):
        end = min(at + MAX_LINE, len(value))
        end = end if end == len(value) else between_characters(value, end)
        yield Block(line, value[at:end], whole=not at)
        at = end if end == len(value) else between_characters(value, end - OVERLAP)
