"""The look at a Parquet file, with any bytes, and with any bytes for a footer."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import formats_maker as maker
from fuzzing import contents
from localai.formats.recognise import PARQUET

MODULES = ("localai.formats.datasets.parquet", "localai.formats.datasets.thrift")
LONGEST = 2048
WORDS = (
    b"PAR1", b"PARE", b"\x15\x02", b"\x19\x1c", b"\x19\xfc", b"\x1c", b"\x18\x04name", b"\x16\x00",
    b"\xff" * 9 + b"\x01", b"\xff" * 20, b"\x80" * 30, b"\x1b\xff\xff\x03\x88", b"\x1c" * 900,
    b"\x19" * 900, b"\x19\xfc\xff\xff\xff\xff\x07", b"\x18\xff\xff\xff\xff\x07",
)  # fmt: skip


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    contents.inspect(data, PARQUET)
    footer = data + struct.pack("<I", len(data)) + b"PAR1"
    contents.inspect(b"PAR1" + bytes(64) + footer, PARQUET)


def seeds() -> Iterator[bytes]:
    """A whole file, its footer alone, every word."""
    whole = maker.parquet()
    yield whole
    yield whole[-8 - int.from_bytes(whole[-8:-4], "little") : -8]
    yield from WORDS
