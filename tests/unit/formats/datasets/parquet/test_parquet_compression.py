"""Pages are unpacked to exactly the size that they state, by every compression."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from collections.abc import Callable

import cramjam
import pytest

from localai.errors import DocumentError
from localai.formats.datasets.parquet.compression import unpack
from localai.formats.datasets.parquet.effort import UnreadError

TEXT = b"a page of words, and of words " * 500


def block(data: bytes) -> bytes:
    return bytes(cramjam.lz4.compress_block(data, store_size=False))


def framed(*parts: bytes) -> bytes:
    """As Hadoop does it."""
    blocks = [(len(part), block(part)) for part in parts]
    return b"".join(struct.pack(">II", size, len(each)) + each for size, each in blocks)


def brotli(data: bytes) -> bytes:
    return bytes(cramjam.brotli.compress(data))


def zstd(data: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(data))


PACK: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda data: bytes(cramjam.snappy.compress_raw(data)),
    2: gzip.compress,
    4: brotli,
    5: framed,
    6: zstd,
    7: block,
}
NAMES = {0: "none", 1: "snappy", 2: "gzip", 4: "brotli", 5: "lz4", 6: "zstd", 7: "lz4 raw"}


@pytest.fixture(params=PACK, ids=[NAMES[codec] for codec in PACK])
def codec(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_what_was_packed_is_unpacked(codec: int) -> None:
    assert unpack(PACK[codec](TEXT), len(TEXT), codec) == TEXT
    assert unpack(PACK[codec](b"a"), 1, codec) == b"a"


@pytest.mark.parametrize("more", [-len(TEXT) + 1, -1, 1, 1000])
def test_another_size_than_stated_is_refused(codec: int, more: int) -> None:
    with pytest.raises((DocumentError, UnreadError)):
        unpack(PACK[codec](TEXT), len(TEXT) + more, codec)


def test_no_bytes_are_no_page(codec: int) -> None:
    assert unpack(b"", 0, codec) == b""
    assert unpack(PACK[codec](b""), 0, codec) == b""
    with pytest.raises((DocumentError, UnreadError)):
        unpack(b"", 1, codec)


def test_what_is_cut_is_refused(codec: int) -> None:
    packed = PACK[codec](TEXT)
    for length in range(0, len(packed) - 1, max(len(packed) // 50, 1)):
        with pytest.raises((DocumentError, UnreadError)):
            unpack(packed[:length], len(TEXT), codec)


def test_any_byte_changed_ends_in_a_page_of_that_size_or_in_a_refusal(codec: int) -> None:
    packed = PACK[codec](TEXT)
    for place in range(0, len(packed), max(len(packed) // 200, 1)):
        changed = bytearray(packed)
        changed[place] ^= 0xFF
        try:
            assert len(unpack(bytes(changed), len(TEXT), codec)) == len(TEXT)
        except (DocumentError, UnreadError):
            continue


def test_members_and_frames_one_behind_the_other() -> None:
    assert unpack(gzip.compress(b"ab") + gzip.compress(b"c"), 3, 2) == b"abc"
    assert unpack(framed(b"ab", b"c"), 3, 5) == b"abc"


def test_lzo_and_other_frames_of_lz4_are_not_read() -> None:
    with pytest.raises(UnreadError, match="packed by LZO"):
        unpack(b"\x00", 1, 3)
    for packed in (block(TEXT), bytes(cramjam.lz4.compress(TEXT)), framed(TEXT)[:-1], b"\0" * 8):
        with pytest.raises(UnreadError, match="without Hadoop's frames"):
            unpack(packed, len(TEXT), 5)


def test_zlib_without_the_header_of_gzip_is_refused() -> None:
    with pytest.raises(DocumentError, match="cannot be unpacked"):
        unpack(bytes(cramjam.zlib.compress(TEXT)), len(TEXT), 2)


def test_a_library_that_cannot_be_loaded_leaves_the_column_unread() -> None:
    command = (
        "from localai.formats.datasets.parquet.compression import unpack\n"
        "from localai.formats.datasets.parquet.effort import UnreadError\n"
        "try: print(bytes(unpack(bytes([1, 0, 97]), 1, 1)))\n"
        "except UnreadError as error: print('unread:', error)"
    )

    def run(**more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", command], env={**os.environ, **more}, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    assert run() == "b'a'"
    assert run(CRAMJAM_BACKEND="none").startswith("unread: cramjam cannot be loaded: ")
