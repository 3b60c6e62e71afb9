"""Parquet: its footer, which says what is in the file; the cells are not looked at.

Source: Apache Parquet, ``parquet.thrift`` and "File format". Nothing is unpacked: what the cells
hold would need four decompressors, each a bomb's way in. So the cells are ``not-checked``.
"""

from __future__ import annotations

from typing import NamedTuple

from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.contents import Contents, Fact
from localai.formats.datasets.thrift import MAX_VALUES, CompactReader, TooMuchError
from localai.formats.finding import DATASET, note, unsound
from localai.formats.format import AGAIN
from localai.formats.pread import read_at
from localai.terminal import printable

MAX_FOOTER = 16 << 20  # bytes
SHOWN_COLUMNS = 16
BOMB = 100  # times its size that a file may unpack to before it is worth a note
_CODECS = ("none", "Snappy", "gzip", "LZO", "Brotli", "LZ4", "Zstandard", "LZ4 (raw)")
_WANTED = frozenset((4, 5, 6, 7, 9, 11))  # of ColumnMetaData
_AS_TEXT = "export it as JSONL or CSV, and look at that"


class Chunk(NamedTuple):
    """One column of one group of rows: ``begin`` and ``packed`` in bytes of the file, ``unpacked``
    in bytes; ``elsewhere`` is the other file that it lies in, if it does."""

    begin: int
    packed: int
    unpacked: int
    codec: int
    elsewhere: str


class ParquetFile(NamedTuple):
    """What a Parquet file says about itself. ``columns`` are those of the uppermost level."""

    rows: int
    columns: tuple[str, ...]
    groups: int
    chunks: tuple[Chunk, ...]
    metadata: tuple[str, ...]
    created_by: str


class _Schema:
    """The tree of columns, which the file lists from the top down."""

    def __init__(self) -> None:
        self.open: list[int] = []  # how many children are still to come, level by level
        self.columns: list[str] = []
        self.leaves = 0
        self.rooted = False

    def add(self, name: str, children: int) -> None:
        if children < 0 or (self.rooted and not self.open):
            raise _malformed("a column that belongs nowhere")
        if len(self.open) == 1:
            self.columns.append(name)
        if self.open:
            self.open[-1] -= 1
            self.leaves += not children
        self.rooted = True
        if children:
            self.open.append(children)
        while self.open and not self.open[-1]:
            self.open.pop()


def inspect_parquet(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes of Parquet behind ``fd``."""
    try:
        file = read_parquet(fd, size)
    except DocumentError as error:
        return Contents((), (unsound(DATASET, "Parquet", error),))
    except TooMuchError:
        evidence = f"a footer of more than {MAX_VALUES} values"
        return Contents((), (_not_checked("too much to look at", evidence),))
    columns = ", ".join(printable(column[:80]) for column in file.columns[:SHOWN_COLUMNS])
    keys = tuple(printable(key[:80]) for key in file.metadata[:SHOWN_COLUMNS])
    used = sorted({chunk.codec for chunk in file.chunks})
    facts = (
        Fact("rows", file.rows),
        Fact("columns", len(file.columns), f"{len(file.columns)}: {columns}"),
        Fact("row groups", file.groups),
        Fact("compression", tuple(_CODECS[number] for number in used)),
        Fact("made by", printable(file.created_by[:80]), "" if file.created_by else "not stated"),
        Fact("metadata", keys, "" if keys else "none"),
    )
    return Contents(facts, tuple(_judge(file)))


def _judge(file: ParquetFile) -> list[Finding]:
    findings = [_not_checked("cells not looked at", "what the columns hold is packed")]
    if outside := next((chunk.elsewhere for chunk in file.chunks if chunk.elsewhere), ""):
        why = "whoever opens it would read another file of this machine"
        evidence = printable(outside[:80])
        findings.append(
            Finding(DATASET, Verdict.FAIL, "names another file", evidence, why, _AS_TEXT)
        )
    packed = sum(chunk.packed for chunk in file.chunks)
    unpacked = sum(chunk.unpacked for chunk in file.chunks)
    if unpacked > BOMB * max(packed, 1 << 20):
        findings.append(note(DATASET, "unpacks to more", f"{packed} bytes to {unpacked}"))
    if hidden := [name for name in (*file.columns, *file.metadata) if not name.isprintable()]:
        evidence = f"{len(hidden)} names, first {hidden[0][:80]!r}"
        findings.append(note(DATASET, "hidden characters", evidence))
    return findings


def _not_checked(summary: str, evidence: str) -> Finding:
    return Finding(DATASET, Verdict.NOT_CHECKED, summary, evidence, remedy=_AS_TEXT)


def read_parquet(fd: int, size: int) -> ParquetFile:
    """Read the footer of the ``size`` bytes behind ``fd``, which must allow ``pread``.

    Raises DocumentError if they are no well-formed Parquet file, TooMuchError if the footer is
    well-formed as far as it was read and goes on for too long.
    """
    if size < 12 or read_at(fd, 4, 0) != b"PAR1":
        raise _malformed("no PAR1 at the beginning")
    tail = read_at(fd, 8, size - 8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > min(MAX_FOOTER, size - 12):
        raise _malformed(f"a footer of {length} bytes in a file of {size}, ending in {tail[4:]!r}")
    begin = size - 8 - length
    reader = CompactReader(read_at(fd, length, begin))
    file = _read_footer(reader)
    if reader.at != length:
        raise _malformed(f"{length - reader.at} bytes behind the footer's end")
    for chunk in file.chunks:
        if not chunk.elsewhere and not 4 <= chunk.begin <= chunk.begin + chunk.packed <= begin:
            raise _malformed(f"{chunk.packed} bytes of a column at {chunk.begin}, of {begin}")
    return file


def _read_footer(reader: CompactReader) -> ParquetFile:
    schema, chunks, metadata = _Schema(), list[Chunk](), list[str]()
    rows, counted, groups, created_by = -1, 0, 0, ""
    for field, kind in reader.fields():
        if field == 2:
            for _ in reader.structures(kind):
                schema.add(*_read_column(reader))
        elif field == 3:
            rows = reader.integer(kind)
        elif field == 4:
            for _ in reader.structures(kind):
                counted += _read_group(reader, chunks)
                groups += 1
        elif field == 5:
            metadata += [_read_key(reader) for _ in reader.structures(kind)]
        elif field == 6:
            created_by = reader.text(kind)
        else:
            reader.skip(kind)
    if not schema.rooted or schema.open:
        raise _malformed("columns that are not all there")
    if rows != counted or len(chunks) != groups * schema.leaves:
        raise _malformed(f"{rows} rows, but {counted} in {len(chunks)} pieces of {groups} groups")
    columns = tuple(schema.columns)
    return ParquetFile(rows, columns, groups, tuple(chunks), tuple(metadata), created_by)


def _read_column(reader: CompactReader) -> tuple[str, int]:
    """SchemaElement: (name, how many children)."""
    name, children = "", 0
    for field, kind in reader.fields():
        if field == 4:
            name = reader.text(kind)
        elif field == 5:
            children = reader.integer(kind)
        else:
            reader.skip(kind)
    return name, children


def _read_group(reader: CompactReader, chunks: list[Chunk]) -> int:
    """RowGroup: adds its chunks; returns how many rows it has."""
    rows = -1
    for field, kind in reader.fields():
        if field == 1:
            for _ in reader.structures(kind):
                chunks.append(_read_chunk(reader))
        elif field == 3:
            rows = reader.integer(kind)
        else:
            reader.skip(kind)
    if rows < 0:
        raise _malformed(f"a group of {rows} rows")
    return rows


def _read_chunk(reader: CompactReader) -> Chunk:
    """ColumnChunk, with the ColumnMetaData in it."""
    elsewhere, numbers = "", dict[int, int]()
    for field, kind in reader.fields():
        if field == 1:
            elsewhere = reader.text(kind)
        elif field == 3 and kind == 12:
            for inner, inner_kind in reader.fields():
                if inner in _WANTED:
                    numbers[inner] = reader.integer(inner_kind)
                else:
                    reader.skip(inner_kind)
        else:
            reader.skip(kind)
    codec, unpacked, packed, data = (numbers.get(inner, -1) for inner in (4, 6, 7, 9))
    if min(unpacked, packed, data) < 0 or not 0 <= codec < len(_CODECS):
        raise _malformed("a column without its place, its sizes or its compression")
    if numbers.get(5) == 0:  # no values, no place
        return Chunk(4, 0, 0, codec, elsewhere)
    dictionary = numbers.get(11, 0)
    begin = dictionary if 0 < dictionary < data else data
    return Chunk(begin, packed, unpacked, codec, elsewhere)


def _read_key(reader: CompactReader) -> str:
    """KeyValue: its key."""
    key = ""
    for field, kind in reader.fields():
        if field == 1:
            key = reader.text(kind)
        else:
            reader.skip(kind)
    return key


def _malformed(found: str) -> DocumentError:
    return DocumentError(f"malformed Parquet: {found}", hint=AGAIN)
