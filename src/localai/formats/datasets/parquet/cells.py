"""What stands in the cells of one column, group by group and page by page.

A dictionary is searched once, however often its entries are used; in which rows they are is looked
up for those in which something was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, count, islice

from localai.errors import DocumentError
from localai.formats.datasets.parquet import pages
from localai.formats.datasets.parquet.effort import Effort, UnreadError, malformed
from localai.formats.datasets.parquet.footer import Chunk, Group
from localai.formats.datasets.parquet.pages import Header, Page
from localai.formats.datasets.parquet.runs import Run, each_run
from localai.formats.datasets.parquet.schema import Column, Role
from localai.formats.datasets.parquet.search import Entries, Search
from localai.formats.datasets.parquet.values import (
    PLAIN,
    PLAIN_DICTIONARY,
    RLE_DICTIONARY,
    each_value,
)
from localai.formats.datasets.signs import SHOWN_LINES

_ENTRIES = 1 << 20  # of one dictionary
# For each sign, the bytes in which its bit is set, as 1.
_BITS = tuple(bytes(byte >> bit & 1 for byte in range(256)) for bit in range(8))


class Sign:
    """One sign in the cells of a column: how many have it, the rows of the first, from 1, and what
    the first looks like."""

    def __init__(self) -> None:
        self.count = 0
        self.rows: list[int] = []
        self.text = ""

    def __str__(self) -> str:
        rows = list(dict.fromkeys(self.rows))[:SHOWN_LINES]
        shown = f"row{'s' * (len(rows) > 1)} {', '.join(map(str, rows))}"
        where = shown if self.count == 1 else f"{self.count} cells ({shown})"
        return f"{where}: {self.text}" if self.text else where


class Hits:
    """A sign in the values of one page: how many have it, the first of them, from 0."""

    def __init__(self, count: int = 0, first: Sequence[int] = (), text: str = "") -> None:
        self.count = count
        self.first = list(first)
        self.text = text

    def add(self, count: int, places: Iterable[int], text: str) -> None:
        """``count`` values have it, those at ``places``, the first of them with ``text``."""
        if not self.count:
            self.text = text
        self.count += count
        self.first += islice(places, SHOWN_LINES - len(self.first))


class Dictionary:
    """The entries of a dictionary in which something was found."""

    def __init__(self, search: Search, size: int, effort: Effort) -> None:
        self.size = size
        self.effort = effort
        self.signs = [lines for _, lines in search.seen() if isinstance(lines, Entries)]
        self.marks = bytearray(size)  # for each entry, a bit for each sign
        self.marked = False
        for bit, lines in enumerate(self.signs):
            for line in lines.all:
                self.marks[line - 1] |= 1 << bit
                self.marked = True

    def find(self, page: Page) -> list[Hits]:
        """The signs in the values of a page, each of which is the number of an entry. Raises
        DocumentError for one that is not there."""
        hits = [Hits() for _ in self.signs]
        width = page.values[0] if page.values else 0
        if width > 32:
            raise malformed(f"numbers of {width} bits")
        place = 0
        for run in each_run(bytes(page.values[1:]), width, page.present, self.effort):
            if run.greatest >= self.size:
                raise malformed(f"entry {run.greatest} of a dictionary of {self.size}")
            if self.marked:
                self._note(run, place, hits)
            place += run.length
        return hits

    def _note(self, run: Run, place: int, hits: Sequence[Hits]) -> None:
        entries = (run.value,) if run.listed is None else run.listed
        marks = bytes(map(self.marks.__getitem__, entries))
        if marks.count(0) == len(marks):
            return
        for lines, hit, table in zip(self.signs, hits, _BITS, strict=False):
            flags = marks.translate(table)
            if (first := flags.find(1)) < 0:
                continue
            text = lines.texts.get(entries[first] + 1, "")
            if run.listed is None:
                hit.add(run.length, range(place, place + run.length), text)
            else:
                hit.add(flags.count(1), compress(count(place), flags), text)


class Cells:
    """The search of one column of the file behind ``fd``. ``unread`` says why the column was not
    looked at to its end, ``flaw`` what is wrong with it; either is "" if nothing is."""

    def __init__(self, fd: int, column: Column, effort: Effort) -> None:
        self.fd = fd
        self.column = column
        self.effort = effort
        self.names = [name for name, _ in Search(column.role).seen()]
        self.signs = [Sign() for _ in self.names]
        self.dictionary: Dictionary | None = None
        self.before = 0  # rows of the groups before this one
        self.rows = 0  # rows of this group so far
        self.unread = ""
        self.flaw = ""

    def look(self, groups: Sequence[Group], place: int) -> None:
        """Look at the column's chunk in each group, the one at ``place``."""
        try:
            for group in groups:
                self.look_at_group(group.chunks[place], group.rows)
                self.before += group.rows
        except UnreadError as error:
            self.unread = str(error)
        except DocumentError as error:
            self.flaw = error.message

    def look_at_group(self, chunk: Chunk, rows: int) -> None:
        """Look at all pages of a group of so many ``rows``."""
        if self.column.role is Role.OTHER:
            raise UnreadError(Role.OTHER.value)
        if chunk.encrypted or chunk.elsewhere:
            raise UnreadError("encrypted" if chunk.encrypted else "in another file")
        self.dictionary, self.rows = None, 0
        for header in pages.each_header(self.fd, chunk, self.effort):
            if header.kind == pages.DICTIONARY:
                self.look_at_dictionary(header, chunk.codec)
            elif header.kind != pages.INDEX:
                self.look_at_page(header, chunk.codec)
        counted = self.column.role is not Role.NUMBERS or not self.column.repeated
        if counted and self.rows != rows:
            raise malformed(f"{self.rows} rows in the pages; expected {rows}")

    def look_at_dictionary(self, header: Header, codec: int) -> None:
        """Search the dictionary, if it is one of texts."""
        if self.column.role is Role.NUMBERS:
            return
        if header.values > _ENTRIES:
            raise UnreadError(f"a dictionary of more than {_ENTRIES} entries")
        data = pages.read_dictionary(self.fd, header, codec, self.effort)
        search = Search(self.column.role, Entries)
        search.take(each_value(data, PLAIN, header.values, self.column.width, self.effort))
        self.dictionary = Dictionary(search, header.values, self.effort)

    def look_at_page(self, header: Header, codec: int) -> None:
        """Search a page of data; of numbers, believe the count of its header."""
        if self.column.role is Role.NUMBERS:
            self.rows += header.values
            return
        page = pages.read_page(self.fd, header, self.column, codec, self.effort)
        if not self.rows and next(page.repetition.count_until(0, (0,)), 1) == 0:
            raise malformed("a group that begins inside a row")
        if page.encoding in (PLAIN_DICTIONARY, RLE_DICTIONARY):
            if self.dictionary is None:
                raise malformed("numbers of a dictionary that is not there")
            self.note(page, self.dictionary.find(page))
        else:
            self.note(page, self.search(page))
        self.rows += page.rows

    def search(self, page: Page) -> list[Hits]:
        """The signs in the values of a page."""
        search = Search(self.column.role)
        count, width = page.present, self.column.width
        search.take(each_value(page.values, page.encoding, count, width, self.effort))
        return [
            Hits(lines.count, [line - 1 for line in lines.first], lines.text)
            for _, lines in search.seen()
        ]

    def note(self, page: Page, hits: Sequence[Hits]) -> None:
        """Add what was found in a page, by the rows that it was found in."""
        pairs = [(sign, hit) for sign, hit in zip(self.signs, hits, strict=True) if hit.count]
        shown = [hit.first for sign, hit in pairs if len(sign.rows) < SHOWN_LINES]
        wanted = sorted({place for first in shown for place in first})
        rows = dict(zip(wanted, self.locate(page, wanted), strict=True))
        for sign, hit in pairs:
            sign.text = sign.text if sign.count else hit.text
            sign.count += hit.count
            sign.rows += [rows[place] for place in hit.first if place in rows]

    def locate(self, page: Page, values: Sequence[int]) -> list[int]:
        """The rows of the file, from 1, in which these values of the page stand."""
        places = list(page.definition.find(page.definition.greatest, values))
        before = self.before + self.rows
        return [before + row for row in page.repetition.count_until(0, places)]
