"""The pages of one column in one group of rows: their headers, and what is packed behind them.

Source: Apache Parquet, ``parquet.thrift`` (``PageHeader``) and "Data pages".
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from localai.errors import DocumentError
from localai.formats.datasets.parquet.compression import unpack
from localai.formats.datasets.parquet.effort import PAGE, Effort, UnreadError, malformed
from localai.formats.datasets.parquet.footer import Chunk
from localai.formats.datasets.parquet.runs import Levels
from localai.formats.datasets.parquet.schema import Column
from localai.formats.datasets.parquet.thrift import CompactReader, TooMuchError, Type
from localai.formats.pread import read_at

DATA, INDEX, DICTIONARY, DATA_2 = range(4)  # of PageType
_RLE = 3  # of Encoding
_COMPRESSED = 7  # of DataPageHeaderV2: a truth value, and true where it is not there
_HEADER = 1 << 20  # bytes of the longest header: statistics may hold whole cells
_FIRST_LOOK = 256
_COST = 8 << 10  # bytes that could be searched while a header is read
# The fields of DataPageHeader, DictionaryPageHeader and DataPageHeaderV2, under those of PageHeader
_KINDS = {DATA: 5, DICTIONARY: 7, DATA_2: 8}


class Header(NamedTuple):
    """A page of ``packed`` bytes from byte ``begin`` of the file, with so many ``values``, missing
    ones included; ``fields`` are those of its kind, by number."""

    kind: int
    begin: int
    packed: int
    unpacked: int
    checksum: int | None
    fields: dict[int, int]

    @property
    def values(self) -> int:
        return self.fields.get(1, -1)

    @property
    def encoding(self) -> int:
        return self.fields.get(4 if self.kind == DATA_2 else 2, -1)


class Page(NamedTuple):
    """What is in a page of data: whether each value repeats and is there, and those that are
    ``present``, in their encoding; ``rows`` is how many begin in it."""

    repetition: Levels
    definition: Levels
    encoding: int
    values: bytes | bytearray
    present: int
    rows: int


def each_header(fd: int, chunk: Chunk, effort: Effort) -> Iterator[Header]:
    """The headers of a chunk's pages. Raises DocumentError if the pages are not exactly as many
    bytes and values as the footer says, UnreadError if one is too large to be looked at."""
    at, end, values = chunk.begin, chunk.begin + chunk.packed, 0
    while at < end:
        header = _read_header(fd, at, end, effort)
        if header.begin + header.packed > end:
            raise malformed(f"a page of {header.packed} bytes at {header.begin}, of {end}")
        if header.kind == DICTIONARY and at != chunk.begin:
            raise malformed("a dictionary behind the first page")
        if header.kind in (DATA, DATA_2):
            values += header.values
        yield header
        at = header.begin + header.packed
    if values != chunk.values:
        raise malformed(f"{values} values in the pages; expected {chunk.values}")


def _read_header(fd: int, at: int, end: int, effort: Effort) -> Header:
    length = _FIRST_LOOK
    while True:
        effort.spend(_COST + length)
        reader = CompactReader(read_at(fd, min(length, end - at), at))
        try:
            return _take_header(reader, at)
        except TooMuchError:
            raise malformed("the header of a page that does not end") from None
        except DocumentError:
            if length >= min(_HEADER, end - at):
                raise
            length *= 16


def _take_header(reader: CompactReader, at: int) -> Header:
    numbers, kinds = dict[int, int](), dict[int, dict[int, int]]()
    for field, kind in reader.fields():
        if field <= 4:
            numbers[field] = reader.integer(kind, Type.I32)
        elif kind == Type.STRUCT:
            kinds[field] = _take_fields(reader)
        else:
            reader.skip(kind)
    page, unpacked, packed = (numbers.get(field, -1) for field in (1, 2, 3))
    fields = kinds.get(_KINDS.get(page, 0), {})
    if min(page, unpacked, packed) < 0 or (page in _KINDS and fields.get(1, -1) < 0):
        raise malformed("a page without its kind, its sizes or its values")
    if page > DATA_2:
        raise UnreadError(f"pages of the unknown kind {page}")
    return Header(page, at + reader.at, packed, unpacked, numbers.get(4), fields)


def _take_fields(reader: CompactReader) -> dict[int, int]:
    """The numbers and truth values of a structure; a truth value that is true is 1."""
    found = dict[int, int]()
    for field, kind in reader.fields():
        if kind in (Type.TRUE, Type.FALSE):
            found[field] = int(kind == Type.TRUE)
        elif kind == Type.I32 and field != _COMPRESSED:  # as a number, others pass over it
            found[field] = reader.integer(kind, Type.I32)
        else:
            reader.skip(kind)
    return found


def read_dictionary(fd: int, header: Header, codec: int, effort: Effort) -> bytes | bytearray:
    """The values of a page that is a dictionary, encoded plainly."""
    if header.encoding not in (0, 2):
        raise UnreadError(f"a dictionary in the encoding {header.encoding}")
    return unpack(_read(fd, header, effort), header.unpacked, codec)


def read_page(fd: int, header: Header, column: Column, codec: int, effort: Effort) -> Page:
    """What is in a page of data. Raises DocumentError if it is not what its header says."""
    packed = _read(fd, header, effort)
    if header.kind == DATA_2:
        return _take_new(packed, header, column, codec, effort)
    return _take_old(packed, header, column, codec, effort)


def _read(fd: int, header: Header, effort: Effort) -> bytes:
    if max(header.packed, header.unpacked) > PAGE:
        raise UnreadError(f"a page of more than {PAGE >> 20} MiB")
    effort.spend(header.packed + header.unpacked)
    packed = read_at(fd, header.packed, header.begin)
    if header.checksum is not None and zlib.crc32(packed) != header.checksum & 0xFFFFFFFF:
        raise malformed(f"a page at {header.begin} with another checksum")
    return packed


def _take_old(packed: bytes, header: Header, column: Column, codec: int, effort: Effort) -> Page:
    """Version 1: the levels are packed with the values, each with its length before it."""
    data = unpack(packed, header.unpacked, codec)
    at, levels = 0, []
    # the encodings of DataPageHeader: 4 of repetition, 3 of definition
    for field, greatest in ((4, column.repeated), (3, column.optional)):
        length = 0
        if greatest:
            if header.fields.get(field) != _RLE:
                raise UnreadError("levels in an encoding of old")
            length, at = int.from_bytes(data[at : at + 4], "little"), at + 4
            if length > len(data) - at:
                raise malformed(f"levels of {length} bytes in a page of {len(data)}")
        levels.append(Levels(bytes(data[at : at + length]), greatest, header.values, effort))
        at += length
    return _make(levels[0], levels[1], header.encoding, data[at:] if at else data)


def _take_new(packed: bytes, header: Header, column: Column, codec: int, effort: Effort) -> Page:
    """Version 2: the levels stand before the values, unpacked; nulls and rows are stated."""
    nulls, rows, defined, repeated = (header.fields.get(field, -1) for field in (2, 3, 5, 6))
    both = defined + repeated
    if min(defined, repeated) < 0 or both > min(header.packed, header.unpacked):
        raise malformed(f"levels of {repeated} and {defined} bytes in a page of {header.packed}")
    if not header.fields.get(_COMPRESSED, 1):
        codec = 0
    page = _make(
        Levels(packed[:repeated], column.repeated, header.values, effort),
        Levels(packed[repeated:both], column.optional, header.values, effort),
        header.encoding,
        unpack(packed[both:], header.unpacked - both, codec),
    )
    if (header.values - page.present, page.rows) != (nulls, rows):
        raise malformed(f"a page without the {rows} rows and {nulls} nulls that it states")
    return page


def _make(repetition: Levels, definition: Levels, encoding: int, values: bytes | bytearray) -> Page:
    present = definition.occurrences(definition.greatest)
    return Page(repetition, definition, encoding, values, present, repetition.occurrences(0))
