"""The reader of a Parquet file's footer, with any bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import formats_maker as maker
from fuzzing import contents
from localai.formats.recognise import PARQUET

MODULES = ("localai.formats.datasets.parquet", "localai.formats.datasets.thrift")
LONGEST = 2048
WORDS = (
    *(b"PAR1", b"\x15\x04", b"\x16\x06", b"\x19\x1c", b"\x19\xfc", b"\x18\x01x", b"\x1b\x01\x88"),
    *(maker.varint(1 << power) for power in (7, 14, 24, 31, 32, 60, 63, 64)),
    *(b"\x19" * 40, b"\x1c" * 40, b"\xff" * 10, b"\x00" * 8, maker.footer()),
)


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    contents.inspect(data, PARQUET)
    contents.inspect(maker.parquet(foot=data), PARQUET)  # framed, as no mutation gets it


def seeds() -> Iterator[bytes]:
    """Whole footers and files, and some with one thing wrong."""
    yield b""
    yield maker.footer()
    yield maker.parquet()
    yield maker.footer({3: maker.i64(4)})
    yield maker.footer({20: (11, b"\x01\x88" + maker.binary("k")[1] + maker.binary("v")[1])})
    yield maker.footer(
        {20: maker.listed(1, [(1, b"\x01")]), 21: (7, bytes(8)), 300: (13, bytes(16))}
    )
    outside = maker.chunk(outer={1: maker.binary("other\u202e")})
    yield maker.footer({4: maker.listed(maker.STRUCT, [maker.group([outside])])})
    yield maker.parquet()[:-8] + struct.pack("<I", 1 << 31) + b"PAR1"
