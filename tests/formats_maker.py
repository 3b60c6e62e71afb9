"""Make safetensors and Parquet files, whole and broken.

The layouts are written out here a second time, by hand and from the specifications (the README of
safetensors; Apache Parquet's ``parquet.thrift`` and Thrift's compact protocol), so that the
readers under test are not their own judges.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence

TENSORS = {
    "a.weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
    "b.weight": {"dtype": "BF16", "shape": [5], "data_offsets": [48, 58]},
}


def safetensors(
    header: Mapping[str, object] | bytes = TENSORS, data: int = 58, length: int | None = None
) -> bytes:
    """A file with ``header`` (JSON as it is, if it is bytes) and ``data`` zero bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(data)


I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
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


def chunk(changes: Fields | None = None, outer: Fields | None = None) -> tuple[int, bytes]:
    """One column of one group: 10 bytes of cells from byte 4."""
    meta: dict[int, tuple[int, bytes]] = {
        1: i32(2), 2: listed(I32, [i32(0)]), 3: listed(BINARY, [binary("x")]), 4: i32(1),
        5: i64(3), 6: i64(10), 7: i64(10), 9: i64(4),
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


def parquet(changes: Fields | None = None, foot: bytes | None = None, cells: int = 10) -> bytes:
    """A file whose cells are ``cells`` bytes that nobody looks at."""
    end = footer(changes) if foot is None else foot
    return b"PAR1" + bytes(cells) + end + struct.pack("<I", len(end)) + b"PAR1"
