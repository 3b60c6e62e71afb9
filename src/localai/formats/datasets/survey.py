"""Go through a text from its first line to its last, in blocks of bounded size.

Whatever the text, a look at it takes less than 150 MiB: some 30 where the lines are of ordinary
length, the rest where one line of JSON is a list of ``MAX_LINE`` bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from localai.findings import Finding, Verdict
from localai.formats.contents import Fact
from localai.formats.datasets.encoding import each_piece, find_encoding
from localai.formats.datasets.signs import Block, Lines, Signs
from localai.formats.finding import DATASET

MAX_LINE = 4 << 20  # bytes; a longer line is searched in pieces, and not taken apart
OVERLAP = 512  # bytes of a long line that are searched twice, so that no cut hides a phrase
_BINARY = 1 << 16  # zero bytes in one block, from which on the rest is no text


class Survey:
    """One way through a text. ``blocks`` is asked once; the rest is true once it has ended."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self.encoding = find_encoding(fd, size)
        self.signs = Signs()
        self.lines = 0
        self.long = Lines()
        self.binary = 0  # the line from which on nothing was looked at

    def blocks(self) -> Iterator[Block]:
        """The text's lines as UTF-8; whoever takes them searches them (``signs.look``)."""
        for block in self._cut():
            if block.data.count(0) >= _BINARY:
                self.binary = block.line
                return
            if not block.whole:
                self.long.add(block.line)
            yield block

    def _cut(self) -> Iterator[Block]:
        """Whole lines; one that is too long comes in pieces, marked as such."""
        rest, line, whole = b"", 1, True
        for piece in each_piece(self.fd, self.size, self.encoding):
            rest += piece
            if not whole and (first := rest.find(b"\n") + 1):
                yield Block(line, rest[:first], whole)
                rest, line, whole = rest[first:], line + 1, True
            end = rest.rfind(b"\n") + 1
            if end:
                yield Block(line, rest[:end])
                rest, line = rest[end:], line + rest.count(b"\n", 0, end)
            if len(rest) > MAX_LINE:
                whole = False
                cut = between_characters(rest, len(rest) - 4)
                yield Block(line, rest[:cut], whole)
                rest = rest[between_characters(rest, cut - OVERLAP) :]
            self.lines = line - 1
        if rest:
            self.lines = line
            yield Block(line, rest, whole)

    def facts(self) -> tuple[Fact, ...]:
        """The encoding and the lines."""
        name = self.encoding.name
        if self.signs.undecodable.count:
            name = "not UTF-8: Latin-1, Windows-1252 or another of one byte a character"
        return Fact("encoding", name), Fact("lines", self.lines)

    def findings(self) -> list[Finding]:
        """What the search found, and what it could not search."""
        if self.binary:
            summary, evidence = "binary data", f"from line {self.binary} on"
            why = "a text has no runs of zeros: it was not looked at from there"
            return [Finding(DATASET, Verdict.FAIL, summary, evidence, why, "get the text alone")]
        evidence = f"{self.lines} lines, searched to the end"
        found = [Finding(DATASET, Verdict.PASS, "read", evidence), *self.signs.findings()]
        if self.long.count:
            summary, evidence = "lines too long", f"over {MAX_LINE} bytes, {self.long}"
            found.append(Finding(DATASET, Verdict.NOT_CHECKED, summary, evidence))
        return found


def between_characters(data: bytes, at: int) -> int:
    """The nearest place from ``at`` back where a character begins, if there is one."""
    for back in range(4):
        if data[at - back] & 0xC0 != 0x80:
            return at - back
    return at
