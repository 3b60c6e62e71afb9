"""Make Parquet files, whole and broken.

The layouts are written out here a second time, by hand and from the specifications (Apache
Parquet's ``parquet.thrift``, "Encodings" and "Data pages"; Thrift's compact protocol), so that the
reader under test is not its own judge.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
PLAIN, RLE, DICTIONARY, DELTA_LENGTH, DELTA = 0, 3, 8, 6, 7  # encodings
Fields = Mapping[int, tuple[int, bytes]]


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def i32(number: int) -> tuple[int, bytes]:
    return I32, varint(number * 2 if number >= 0 else -number * 2 - 1)


def i64(number: int) -> tuple[int, bytes]:
    return I64, i32(number)[1]


def binary(text: str) -> tuple[int, bytes]:
    return BINARY, varint(len(text.encode())) + text.encode()


def structure(fields: Fields) -> tuple[int, bytes]:
    """The fields in their order, each with its distance from the one before it."""
    found, before = b"", 0
    for number, (kind, value) in fields.items():
        near = 0 < number - before < 16
        head = bytes([number - before << 4 | kind]) if near else bytes([kind]) + i32(number)[1]
        found, before = found + head + value, number
    return STRUCT, found + b"\x00"


def listed(kind: int, values: Sequence[tuple[int, bytes]]) -> tuple[int, bytes]:
    count = len(values)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return LIST, head + b"".join(value for _, value in values)


def page(
    kind: int, head: Fields, data: bytes, unpacked: int | None = None, changes: Fields | None = None
) -> bytes:
    """A page: its header, with the fields of its kind, and what is behind it."""
    field = {0: 5, 1: 6, 2: 7, 3: 8}.get(kind, 9)
    size = len(data) if unpacked is None else unpacked
    fields = {1: i32(kind), 2: i32(size), 3: i32(len(data)), field: structure(head)}
    return structure(dict(sorted((fields | dict(changes or {})).items())))[1] + data


def data_page(
    data: bytes, values: int, encoding: int = PLAIN, unpacked: int | None = None,
    changes: Fields | None = None, levels: int = RLE,
) -> bytes:  # fmt: skip
    """Version 1: ``data`` are the levels, each with its length, and the values."""
    head = {1: i32(values), 2: i32(encoding), 3: i32(levels), 4: i32(levels)}
    return page(0, head, data, unpacked, changes)


def data_page_2(
    data: bytes, values: int, rows: int, encoding: int = PLAIN, nulls: int = 0,
    definition: bytes = b"", repetition: bytes = b"", unpacked: int | None = None,
    changes: Fields | None = None,
) -> bytes:  # fmt: skip
    """Version 2: the levels stand before the values, which alone are packed."""
    head = {
        1: i32(values), 2: i32(nulls), 3: i32(rows), 4: i32(encoding), 5: i32(len(definition)),
        6: i32(len(repetition)),
    } | dict(changes or {})  # fmt: skip
    levels = repetition + definition
    size = None if unpacked is None else unpacked + len(levels)
    return page(3, head, levels + data, size)


def dictionary_page(data: bytes, values: int, encoding: int = PLAIN) -> bytes:
    return page(2, {1: i32(values), 2: i32(encoding)}, data)


def plain(*texts: str | bytes) -> bytes:
    """Each text with its length before it."""
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def equal(value: int, count: int, width: int) -> bytes:
    """A run of ``count`` equal numbers."""
    return varint(count << 1) + value.to_bytes((width + 7) // 8, "little")


def packed(numbers: Sequence[int], width: int) -> bytes:
    """A run of numbers of ``width`` bits, in groups of eight."""
    groups = (len(numbers) + 7) // 8
    return varint(groups << 1 | 1) + bits(numbers, width).ljust(groups * width, b"\0")


def bits(numbers: Sequence[int], width: int) -> bytes:
    """The numbers one behind the other, the lowest bits first."""
    together = sum(number << place * width for place, number in enumerate(numbers))
    return together.to_bytes((len(numbers) * width + 7) // 8, "little")


def counted(levels: bytes) -> bytes:
    """Levels as they stand in a page of version 1."""
    return struct.pack("<I", len(levels)) + levels


def lengths(numbers: Sequence[int], width: int = 32) -> bytes:
    """DELTA_BINARY_PACKED, in one block of one part, which suffices for 129 numbers."""
    first = numbers[0] if numbers else 0
    found = varint(128) + varint(1) + varint(len(numbers)) + i32(first)[1]
    if len(numbers) < 2:
        return found
    differences = [after - before for before, after in pairwise(numbers)]
    least = min(differences)
    above = [difference - least for difference in differences]
    return found + i32(least)[1] + bytes([width]) + bits(above, width).ljust(16 * width, b"\0")


STRING = {6: i32(0)}
# What the pages hold: three numbers.
NUMBERS = data_page(struct.pack("<3q", 1, 2, 3), 3)


def leaf(changes: Fields | None = None, name: str = "x") -> tuple[int, bytes]:
    """A column of texts that are always there."""
    fields = {1: i32(6), 3: i32(0), 4: binary(name)} | dict(changes or STRING)
    return structure(dict(sorted(fields.items())))


def chunk(changes: Fields | None = None, outer: Fields | None = None) -> tuple[int, bytes]:
    """One column of one group: the numbers, from byte 4."""
    size = len(NUMBERS)
    meta: dict[int, tuple[int, bytes]] = {
        1: i32(2), 2: listed(I32, [i32(0)]), 3: listed(BINARY, [binary("x")]), 4: i32(1),
        5: i64(3), 6: i64(size), 7: i64(size), 9: i64(4),
    }  # fmt: skip
    meta |= changes or {}
    fields = {**(outer or {}), 2: i64(4), 3: structure(meta)}
    return structure(dict(sorted(fields.items())))


def group(chunks: Sequence[tuple[int, bytes]], rows: int = 3) -> tuple[int, bytes]:
    return structure({1: listed(STRUCT, chunks), 2: i64(10), 3: i64(rows)})


def footer(changes: Fields | None = None) -> bytes:
    """The footer of a file of one column ``x``, three rows, one group."""
    schema = [
        structure({4: binary("schema"), 5: i32(1)}),
        structure({1: i32(2), 3: i32(0), 4: binary("x")}),
    ]
    fields: dict[int, tuple[int, bytes]] = {
        1: i32(2), 2: listed(STRUCT, schema), 3: i64(3), 4: listed(STRUCT, [group([chunk()])]),
        5: listed(STRUCT, [structure({1: binary("origin"), 2: binary("a test")})]),
        6: binary("by hand"),
    }  # fmt: skip
    return structure(dict(sorted((fields | dict(changes or {})).items())))[1]


def parquet(
    changes: Fields | None = None, foot: bytes | None = None, cells: bytes = NUMBERS
) -> bytes:
    """A file: its cells, its footer."""
    end = footer(changes) if foot is None else foot
    return b"PAR1" + cells + end + struct.pack("<I", len(end)) + b"PAR1"


def texts(
    pages: bytes, rows: int, values: int | None = None, codec: int = 0,
    element: Fields | None = None, meta: Fields | None = None, groups: int = 1,
) -> bytes:  # fmt: skip
    """A file of one column ``x`` of texts, always there if ``element`` does not say otherwise, with
    the same ``pages`` in each of its groups."""
    schema = [structure({4: binary("schema"), 5: i32(1)}), leaf(element)]
    listed_groups = []
    for place in range(groups):
        of = {1: i32(6), 4: i32(codec), 5: i64(rows if values is None else values),
              6: i64(len(pages)), 7: i64(len(pages)), 9: i64(4 + place * len(pages))}  # fmt: skip
        listed_groups.append(group([chunk(of | dict(meta or {}))], rows))
    changes = {2: listed(STRUCT, schema), 3: i64(rows * groups), 4: listed(STRUCT, listed_groups)}
    return parquet(changes, cells=pages * groups)
