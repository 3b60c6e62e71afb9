"""The values of a page, by its encoding.

Source: Apache Parquet, "Encodings". The values end where the page ends, but for a few zeros: other
bytes behind the last are seen by nobody, and belong to nobody.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from itertools import chain

from localai.formats.datasets.parquet.bits import PIECE, unpack
from localai.formats.datasets.parquet.effort import Effort, UnreadError, malformed
from localai.formats.datasets.parquet.thrift import CompactReader

PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY = 0, 2, 8  # of Encoding
_DELTA_LENGTH, _DELTA = 6, 7
MOST = 4 << 20  # values of one page whose lengths are kept: they may take no bytes at all
_COST = 16  # bytes that could be searched while a value is made
_PADDING = 8  # bytes: zeros that fastparquet writes behind the last value
_NAMES = {1: "GROUP_VAR_INT", 3: "RLE", 4: "BIT_PACKED", 5: "DELTA_BINARY_PACKED",
          9: "BYTE_STREAM_SPLIT"}  # fmt: skip
_LENGTH = struct.Struct("<I").unpack_from


def each_value(
    data: bytes | bytearray, encoding: int, count: int, width: int, effort: Effort
) -> Iterator[bytes | bytearray]:
    """The ``count`` values in ``data``, of ``width`` bytes each (0: each has its length)."""
    effort.spend(count * _COST)
    if encoding == PLAIN:
        return _each_fixed(data, count, width) if width else _each_plain(data, count)
    if encoding not in (_DELTA_LENGTH, _DELTA):
        raise UnreadError(f"in the encoding {_NAMES.get(encoding, encoding)}")
    if count > MOST:
        raise UnreadError(f"more than {MOST} values in a page")
    if not data and not count:
        return iter(())
    reader = CompactReader(bytes(data))
    shared = _read_lengths(reader, count) if encoding == _DELTA else array("I", bytes(4 * count))
    lengths = _read_lengths(reader, count)
    effort.spend(sum(shared))
    return _each_delta(reader, shared, lengths)


def _each_fixed(data: bytes | bytearray, count: int, width: int) -> Iterator[bytes | bytearray]:
    end = count * width
    if end > len(data):
        raise malformed(f"{len(data)} bytes for {count} values of {width}")
    for at in range(0, end, width):
        yield data[at : at + width]
    _end(data, end)


def _each_plain(data: bytes | bytearray, count: int) -> Iterator[bytes | bytearray]:
    at, size = 0, len(data)
    for _ in range(count):
        begin = at + 4
        if begin > size:
            raise malformed(f"fewer than {count} values")
        at = begin + _LENGTH(data, begin - 4)[0]
        if at > size:
            raise malformed(f"a value of {at - begin} bytes in a page of {size}")
        yield data[begin:at]
    _end(data, at)


def _end(data: bytes | bytearray, at: int) -> None:
    """Raises DocumentError if values that end ``at`` this byte have more than zeros behind them."""
    if len(data) - at > _PADDING or any(data[at:]):
        raise malformed(f"{len(data) - at} bytes behind the last value")


def _each_delta(
    reader: CompactReader, shared: array[int], lengths: array[int]
) -> Iterator[bytes | bytearray]:
    """Each value begins with ``shared`` bytes of the one before it."""
    value = b""
    for same, length in zip(shared, lengths, strict=True):
        if same > len(value):
            raise malformed(f"{same} bytes of a value that has {len(value)}")
        reader.pass_over(length)
        value = value[:same] + reader.data[reader.at - length : reader.at]
        yield value
    if reader.at != len(reader.data):
        raise malformed(f"{len(reader.data) - reader.at} bytes behind the last value")


def _read_lengths(reader: CompactReader, count: int) -> array[int]:
    """DELTA_BINARY_PACKED: ``count`` lengths, by the difference of each to the one before it."""
    block, parts, stated = (reader.varint() for _ in range(3))
    value, found = reader.zigzag(), array("I")
    if stated != count or not 0 < parts <= block or block % (32 * parts):
        raise malformed(f"{stated} lengths, {block} a block, in {parts} parts; expected {count}")
    for difference in chain((0,), _each_difference(reader, parts, block // parts, count - 1)):
        value = (value + difference) & 0xFFFFFFFF  # it wraps
        if value >> 31:
            raise malformed("a length below 0")
        found.append(value)
    return found[:count]


def _each_difference(reader: CompactReader, parts: int, size: int, left: int) -> Iterator[int]:
    while left > 0:
        least = reader.zigzag()
        reader.pass_over(parts)
        for width in reader.data[reader.at - parts : reader.at]:
            count, begin = min(size, left), reader.at
            if not count:
                break  # of the last block, parts that are not needed are not there
            if width > 32:
                raise malformed(f"differences of {width} bits")
            reader.pass_over(size * width // 8)
            for done in range(0, count, PIECE):
                some, at = min(PIECE, count - done), begin + done * width // 8
                piece = reader.data[at : at + PIECE * width // 8]
                for difference in unpack(piece, width, some) if width else bytes(some):
                    yield least + difference
            left -= count
