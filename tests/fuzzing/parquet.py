"""The look at a Parquet file, with any bytes: as the file, as its footer, as its pages, and as what
is in a page whose header is sound."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import cramjam

import parquet_maker as maker
from fuzzing import contents
from localai.formats.recognise import PARQUET

MODULES = ("localai.formats.datasets.parquet",)
LONGEST = 2048
WORDS = (
    b"PAR1", b"PARE", b"\x15\x02", b"\x19\x1c", b"\x19\xfc", b"\x1c", b"\x18\x04name", b"\x16\x00",
    b"\xff" * 9 + b"\x01", b"\xff" * 20, b"\x80" * 30, b"\x1b\xff\xff\x03\x88", b"\x1c" * 900,
    b"\x19" * 900, b"\x19\xfc\xff\xff\xff\xff\x07", b"\x18\xff\xff\xff\xff\x07",
    *(maker.plain(text) for text in ("", "=1+A1()", "\x1b", b"\xff", '{"a": "\\u0041"}')),
    b"\x02\x01", b"\x03\xff", b"\xff\xff\xff\xff\x0f", b"\x80\x01\x04", b"\x80\x01\x01",
)  # fmt: skip
ENCODINGS = (0, 2, 6, 7, 8, 9)
ROLES = ({}, {6: maker.i32(0)}, {6: maker.i32(19)}, {6: maker.i32(5)}, {10: maker.structure({})})


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    contents.inspect(data, PARQUET)
    footer = data + struct.pack("<I", len(data)) + b"PAR1"
    contents.inspect(b"PAR1" + bytes(64) + footer, PARQUET)
    if len(data) > 8:
        contents.inspect(paged(data[:8], data[8:]), PARQUET)


def paged(choice: bytes, data: bytes) -> bytes:
    """A file with ``data`` for its pages, or for what is in a page of one kind or the other."""
    role, repetition = ROLES[choice[0] % len(ROLES)], choice[1] % 3
    element = {1: maker.i32(6), 3: maker.i32(repetition)} | role
    if choice[2] % 5 == 4:
        element |= {1: maker.i32(7), 2: maker.i32(choice[7] + 1)}
    codec, encoding = choice[3] % 8, ENCODINGS[choice[4] % len(ENCODINGS)]
    count, rows = choice[5], choice[6]
    unpacked = choice[7] if codec else None
    pages = data
    if choice[2] % 2:
        dictionary = maker.dictionary_page(maker.plain("a", "=1+A1()"), 2)
        pages = (dictionary if codec == 0 else b"") + maker.data_page(
            data, count, encoding, unpacked)  # fmt: skip
    elif choice[2] % 4:
        cut = min(choice[7], len(data) // 2)
        pages = maker.data_page_2(
            data[2 * cut :], count, rows, encoding, count - rows, data[:cut], data[cut : 2 * cut],
            unpacked)  # fmt: skip
    meta = {1: element[1]}
    return maker.texts(pages, rows, count, codec, element, meta)


def seeds() -> Iterator[bytes]:
    """A whole file, its footer alone, every word; levels, a dictionary's numbers, lengths."""
    whole = maker.parquet()
    yield whole
    yield whole[-8 - int.from_bytes(whole[-8:-4], "little") : -8]
    yield from WORDS
    texts = maker.plain("one", "", "=1+A1()")
    levels = maker.counted(maker.packed([1, 1, 0, 1], 1))
    repetition = maker.counted(maker.packed([0, 1, 0, 1], 1))
    four = maker.plain("a", "b", "c", "d")
    lengths = maker.lengths([1, 1, 1, 1])
    yield bytes((1, 0, 1, 0, 0, 4, 4, 0)) + four
    yield bytes((0, 0, 1, 0, 0, 2, 2, 0)) + maker.plain(b"\xff\n", "a")
    yield bytes((2, 0, 1, 0, 0, 2, 2, 0)) + maker.plain('["\\u0041"]', "\\u00")
    yield bytes((1, 1, 1, 0, 0, 4, 4, 0)) + levels + texts
    yield bytes((1, 2, 1, 0, 0, 4, 2, 0)) + repetition + levels + texts
    yield bytes((2, 0, 1, 0, 4, 4, 4, 0)) + b"\x01" + maker.packed([0, 1, 1, 0], 1)
    yield bytes((0, 0, 1, 0, 2, 4, 4, 0)) + lengths + b"abcd"
    yield bytes((0, 0, 1, 0, 3, 4, 4, 0)) + maker.lengths([0, 1, 2, 2], 2) + lengths + b"abcd"
    yield bytes((0, 0, 2, 0, 0, 4, 4, 0)) + four
    yield bytes((0, 1, 2, 0, 0, 4, 4, 2)) + maker.equal(1, 4, 1) + b"\x01\x01" + four
    yield bytes((0, 0, 0, 0, 0, 4, 4, 0)) + maker.data_page(four, 4)
    yield bytes((0, 0, 4, 0, 0, 0, 0, 3)) + maker.data_page(b"abcd", 1)
    for codec, packed in enumerate(each_packed(four), 1):
        yield bytes((1, 0, 1, codec, 0, 4, 4, len(four))) + packed


def each_packed(data: bytes) -> Iterator[bytes]:
    """``data`` by each compression, in the order of their numbers; nothing packs LZO."""
    block = bytes(cramjam.lz4.compress_block(data, store_size=False))
    yield bytes(cramjam.snappy.compress_raw(data))
    yield bytes(cramjam.gzip.compress(data))
    yield data
    yield bytes(cramjam.brotli.compress(data))
    yield struct.pack(">II", len(data), len(block)) + block
    yield bytes(cramjam.zstd.compress(data))
    yield block
