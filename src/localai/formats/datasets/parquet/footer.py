"""The footer of a Parquet file: which columns it has, and where their cells lie.

Source: Apache Parquet, ``parquet.thrift`` and "File format".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from localai.formats.datasets.parquet.effort import malformed
from localai.formats.datasets.parquet.schema import Column, Schema
from localai.formats.datasets.parquet.thrift import CompactReader, Type
from localai.formats.pread import read_at

MAX_FOOTER = 16 << 20  # bytes
CODECS = ("none", "Snappy", "gzip", "LZO", "Brotli", "LZ4", "Zstandard", "LZ4 (raw)")
_SIGNATURE = 28  # bytes behind a footer that is signed ("Parquet modular encryption", 5.3)
# Of ColumnMetaData
_WANTED = {1: Type.I32, 4: Type.I32, 5: Type.I64, 6: Type.I64, 7: Type.I64, 9: Type.I64,
           11: Type.I64}  # fmt: skip


class Chunk(NamedTuple):
    """One column of one group of rows: ``values``, those that are missing included; ``begin`` and
    ``packed`` in bytes of the file, ``unpacked`` in bytes; ``elsewhere`` is the other file that it
    lies in, if it does."""

    type: int
    values: int
    begin: int
    packed: int
    unpacked: int
    codec: int
    elsewhere: str = ""
    encrypted: bool = False


ENCRYPTED = Chunk(-1, 0, 4, 0, 0, 0, encrypted=True)


class Group(NamedTuple):
    """Some rows: a chunk for each column, in their order."""

    rows: int
    chunks: tuple[Chunk, ...]


class ParquetFile(NamedTuple):
    """What a Parquet file says about itself. ``columns`` are those of the uppermost level,
    ``leaves`` those that have cells."""

    rows: int
    columns: tuple[str, ...]
    leaves: tuple[Column, ...]
    groups: tuple[Group, ...]
    metadata: tuple[str, ...]
    created_by: str

    @property
    def chunks(self) -> list[Chunk]:
        return [chunk for group in self.groups for chunk in group.chunks]


def read_parquet(fd: int, size: int) -> ParquetFile:
    """Read the footer of the ``size`` bytes behind ``fd``, which must allow ``pread``.

    Raises DocumentError if they are no well-formed Parquet file, TooMuchError if the footer is
    well-formed as far as it was read and goes on for too long.
    """
    if size < 12 or read_at(fd, 4, 0) != b"PAR1":
        raise malformed("no PAR1 at the beginning")
    tail = read_at(fd, 8, size - 8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1":
        raise malformed(f"cut short? It ends in {tail[4:]!r}; expected PAR1")
    if length > min(MAX_FOOTER, size - 12):
        raise malformed(f"a footer of {length} bytes in a file of {size}")
    begin = size - 8 - length
    reader = CompactReader(read_at(fd, length, begin))
    file, signed = _read_footer(reader)
    if reader.at + _SIGNATURE * signed != length:
        raise malformed(f"{length - reader.at} bytes behind the footer's end")
    for chunk in file.chunks:
        if not chunk.elsewhere and not 4 <= chunk.begin <= chunk.begin + chunk.packed <= begin:
            raise malformed(f"{chunk.packed} bytes of a column at {chunk.begin}, of {begin}")
    return file


def _read_footer(reader: CompactReader) -> tuple[ParquetFile, bool]:
    """What the footer says, and whether a signature follows it."""
    schema, groups, metadata = Schema(), list[Group](), list[str]()
    rows, created_by, signed = -1, "", False
    for field, kind in reader.fields():
        if field == 2:
            for _ in reader.structures(kind):
                schema.read(reader)
        elif field == 3:
            rows = reader.integer(kind, Type.I64)
        elif field == 4:
            groups += [_read_group(reader) for _ in reader.structures(kind)]
        elif field == 5:
            metadata += [_read_key(reader) for _ in reader.structures(kind)]
        elif field == 6:
            created_by = reader.text(kind)
        else:
            signed |= field == 8  # encryption_algorithm
            reader.skip(kind)
    if not schema.whole:
        raise malformed("columns that are not all there")
    if rows != (counted := sum(group.rows for group in groups)):
        raise malformed(f"{rows} rows, but {counted} in {len(groups)} groups")
    leaves = tuple(schema.leaves)
    if not all(_fits(group, leaves) for group in groups):
        raise malformed(f"a group whose columns are not the {len(leaves)} of the file")
    columns = tuple(schema.uppermost)
    file = ParquetFile(rows, columns, leaves, tuple(groups), tuple(metadata), created_by)
    return file, signed


def _fits(group: Group, leaves: Sequence[Column]) -> bool:
    """Whether it has a chunk of the right type for each column."""
    return len(group.chunks) == len(leaves) and all(
        chunk.encrypted or chunk.type == column.type
        for chunk, column in zip(group.chunks, leaves, strict=True)
    )


def _read_group(reader: CompactReader) -> Group:
    """RowGroup."""
    rows, chunks = -1, list[Chunk]()
    for field, kind in reader.fields():
        if field == 1:
            chunks += [_read_chunk(reader) for _ in reader.structures(kind)]
        elif field == 3:
            rows = reader.integer(kind, Type.I64)
        else:
            reader.skip(kind)
    if rows < 0:
        raise malformed(f"a group of {rows} rows")
    return Group(rows, tuple(chunks))


def _read_chunk(reader: CompactReader) -> Chunk:
    """ColumnChunk, with the ColumnMetaData in it, which an encrypted one need not have."""
    elsewhere, encrypted, numbers = "", False, dict[int, int]()
    for field, kind in reader.fields():
        if field == 1:
            elsewhere = reader.text(kind)
        elif field == 3 and kind == Type.STRUCT:
            for inner, inner_kind in reader.fields():
                if wanted := _WANTED.get(inner):
                    numbers[inner] = reader.integer(inner_kind, wanted)
                else:
                    reader.skip(inner_kind)
        else:
            encrypted |= field in (8, 9)  # crypto_metadata, encrypted_column_metadata
            reader.skip(kind)
    if encrypted and not numbers:
        return ENCRYPTED
    fields = (numbers.get(inner, -1) for inner in (1, 4, 5, 6, 7, 9))
    type_, codec, values, unpacked, packed, data = fields
    if min(values, unpacked, packed, data) < 0 or not 0 <= codec < len(CODECS):
        raise malformed("a column without its place, its sizes or its compression")
    if not values:  # and no place
        return Chunk(type_, 0, 4, 0, 0, codec, elsewhere, encrypted)
    dictionary = numbers.get(11, 0)
    begin = dictionary if 0 < dictionary < data else data
    return Chunk(type_, values, begin, packed, unpacked, codec, elsewhere, encrypted)


def _read_key(reader: CompactReader) -> str:
    """KeyValue: its key."""
    key = ""
    for field, kind in reader.fields():
        if field == 1:
            key = reader.text(kind)
        else:
            reader.skip(kind)
    return key
