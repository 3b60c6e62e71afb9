"""JSONL: one JSON value a line (jsonlines.org), which in a dataset is an object."""

from __future__ import annotations

import json

from localai.findings import Finding, Verdict
from localai.formats.contents import Contents, Fact
from localai.formats.datasets.signs import Block, Lines
from localai.formats.datasets.survey import Survey
from localai.formats.finding import DATASET, note
from localai.terminal import printable

SHOWN_FIELDS = 16
MAX_FIELDS = 256  # different names of fields that are kept
MAX_NAME = 80  # characters of one that are kept
MAX_DEPTH = 32
MAX_PARTS = 1 << 18  # objects and lists of one row: each takes 240 bytes, be it empty
_MEND = "mend these rows or leave them out, and look again"


def inspect_jsonl(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes of JSON lines behind ``fd``."""
    survey = Survey(fd, size)
    rows = _Rows()
    for block in survey.blocks():
        survey.signs.look(rows.take(block) if block.whole else block)
    fields = tuple(printable(field) for field in list(rows.fields)[:SHOWN_FIELDS])
    facts = (*survey.facts(), Fact("rows", rows.count), Fact("fields", fields))
    return Contents(facts, (*survey.findings(), *rows.findings()))


class _Rows:
    """The rows seen so far, and in which lines they are not as they should be."""

    def __init__(self) -> None:
        self.count = 0
        self.fields: dict[str, None] = {}
        self.malformed = Lines()
        self.no_objects = Lines()
        self.doubled = Lines()
        self.deep = Lines()
        self.crowded = Lines()
        self.unread = Lines()  # of all these, those with escapes: anything may stand behind one
        self.twice = False
        self.decode = json.JSONDecoder(
            object_pairs_hook=self.note_doubled, parse_constant=_refuse_constant
        ).decode

    def take(self, block: Block) -> Block:
        """Read the rows of a block. Returns the block as it is to be searched: where characters
        are written as escapes, the texts that they stand for."""
        lines = block.data.split(b"\n")
        for place, line in enumerate(lines):
            if not line or line.isspace():
                continue
            self.count += 1
            try:
                lines[place] = self.read(line, block.line + place)
            except RecursionError:
                self.leave(line, block.line + place, self.deep)
            except ValueError:
                self.leave(line, block.line + place, self.malformed, line[:60])
        return block._replace(data=b"\n".join(lines))

    def read(self, line: bytes, number: int) -> bytes:
        """Read one row; its line, or the texts in it if the line holds escapes."""
        self.twice = False
        if is_crowded(line):
            self.leave(line, number, self.crowded)
            return line
        row = self.decode(line.decode())
        if self.twice:
            self.leave(line, number, self.doubled)
        if not isinstance(row, dict):
            self.no_objects.add(number)
        elif not row.keys() <= self.fields.keys() and len(self.fields) < MAX_FIELDS:
            self.fields |= dict.fromkeys(field[:MAX_NAME] for field in list(row)[:MAX_FIELDS])
        if b"\\u" not in line:
            return line
        return spell_out(row)

    def leave(self, line: bytes, number: int, why: Lines, shown: bytes = b"") -> None:
        """A row that is searched as it stands, and not, or not all of it, taken apart."""
        why.add(number, shown)
        if b"\\u" in line:
            self.unread.add(number)

    def note_doubled(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        self.twice |= len(found) < len(pairs)
        return found

    def findings(self) -> list[Finding]:
        seen = (
            ("no JSON", self.malformed),
            ("no objects", self.no_objects),
            ("doubled fields", self.doubled),
            ("nested too deeply", self.deep),
            ("too many parts", self.crowded),
        )
        found = [note(DATASET, summary, str(lines)) for summary, lines in seen if lines.count]
        if self.unread.count:
            evidence = f"in rows that could not be taken apart, {self.unread}"
            summary = "escapes not read"
            found.append(Finding(DATASET, Verdict.NOT_CHECKED, summary, evidence, remedy=_MEND))
        return found


def _refuse_constant(name: str) -> object:
    raise ValueError(name)  # Infinity and NaN are no JSON (RFC 8259, section 6)


def is_crowded(line: bytes) -> bool:
    """Whether JSON has, or may have, more objects and lists than are taken apart."""
    return len(line) > MAX_PARTS and line.count(b"{") + line.count(b"[") > MAX_PARTS


def spell_out(value: object) -> bytes:
    """Every text in a JSON value, on one line. Raises RecursionError if it is nested too deeply."""
    texts = list[str]()
    _gather(value, MAX_DEPTH, texts)
    return " ".join(texts).replace("\n", " ").encode("utf-8", "replace")


def _gather(value: object, depth: int, texts: list[str]) -> None:
    """Every text and every key in a JSON value. Raises RecursionError beyond ``depth`` levels."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, dict | list):
        if not depth:
            raise RecursionError
        for item in value:
            _gather(item, depth - 1, texts)
        if isinstance(value, dict):
            for item in value.values():
                _gather(item, depth - 1, texts)
