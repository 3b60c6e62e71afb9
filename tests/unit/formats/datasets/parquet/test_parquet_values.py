"""The values of a page in each encoding, whole and made to hurt."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parquet_maker as maker
from localai.errors import DocumentError
from localai.formats.datasets.parquet import values
from localai.formats.datasets.parquet.effort import Effort, UnreadError
from localai.formats.datasets.parquet.values import each_value

LISTS = st.lists(st.binary(max_size=40), min_size=1, max_size=129)


def read(data: bytes, encoding: int, count: int, width: int = 0) -> list[bytes]:
    return [bytes(each) for each in each_value(data, encoding, count, width, Effort(1 << 20))]


def shared(texts: list[bytes]) -> tuple[list[int], list[bytes]]:
    """How much of each text the one before it has, and the rest."""
    alike = [[a == b for a, b in zip(*pair, strict=False)] + [False] for pair in pairwise(texts)]
    common = [0, *(each.index(False) for each in alike)]
    return common, [text[same:] for text, same in zip(texts, common, strict=True)]


def delta(texts: list[bytes]) -> bytes:
    common, rest = shared(texts)
    return maker.lengths(common) + maker.lengths([len(each) for each in rest]) + b"".join(rest)


@given(LISTS)
def test_every_encoding_gives_the_same(texts: list[bytes]) -> None:
    count = len(texts)
    sizes = maker.lengths([len(text) for text in texts])
    assert read(maker.plain(*texts), maker.PLAIN, count) == texts
    assert read(sizes + b"".join(texts), maker.DELTA_LENGTH, count) == texts
    assert read(delta(texts), maker.DELTA, count) == texts


def test_values_of_one_width() -> None:
    assert read(b"aabbcc", maker.PLAIN, 3, 2) == [b"aa", b"bb", b"cc"]


def test_a_few_zeros_behind_the_last_value_are_padding() -> None:
    """As fastparquet writes them."""
    assert read(maker.plain("a", "b") + bytes(8), maker.PLAIN, 2) == [b"a", b"b"]
    assert read(b"aabb" + bytes(8), maker.PLAIN, 2, 2) == [b"aa", b"bb"]
    for behind in (bytes(7) + b"a", bytes(9)):
        with pytest.raises(DocumentError):
            read(b"aabb" + behind, maker.PLAIN, 2, 2)


@pytest.mark.parametrize("encoding", [maker.PLAIN, maker.DELTA_LENGTH, maker.DELTA])
def test_no_values(encoding: int) -> None:
    assert read(b"", encoding, 0) == []
    with pytest.raises(DocumentError):
        read(b"\x01", encoding, 0)


def head(block: int, parts: int, count: int, first: int = 1) -> bytes:
    return b"".join(map(maker.varint, (block, parts, count))) + maker.i32(first)[1]


PLAIN = {
    "fewer than stated": maker.plain("a", "b"),
    "a length that is cut": maker.plain("a", "b") + b"\x01\x00\x00",
    "a value that is cut": maker.plain("a", "b", "cd")[:-1],
    "a length of 2^32 - 1": maker.plain("a", "b") + b"\xff\xff\xff\xff",
    "bytes behind": maker.plain("a", "b", "c") + b"d",
    "eight bytes behind": maker.plain("a", "b", "c") + bytes(7) + b"d",
    "nine zeros behind": maker.plain("a", "b", "c") + bytes(9),
}
LENGTHS = {
    "another number": maker.lengths([1, 1]) + b"ab",
    "no blocks": head(0, 0, 3) + b"\x00\x00",
    "no parts": head(128, 0, 3) + b"\x00\x00",
    "parts of 1": head(32, 32, 3) + b"\x00\x00",
    "a block of 2^63 with widths": head(1 << 63, 1, 3) + b"\x00\x01",
    "more parts than bytes": head(1 << 40, 1 << 30, 3) + b"\x00",
    "differences of 33 bits": head(128, 1, 3) + b"\x00\x21" + bytes(1000),
    "differences that are not there": head(128, 1, 3) + b"\x00\x08",
    "a length below 0": head(128, 1, 3, -1) + b"\x00\x00" + b"abc",
    "lengths that fall below 0": head(128, 1, 3) + maker.i32(-1)[1] + b"\x00" + b"abc",
    "lengths of 2^31": head(128, 1, 3) + maker.i64(1 << 31)[1] + b"\x00" + b"abc",
    "values that are not there": maker.lengths([1, 1, 1]) + b"ab",
    "bytes behind": maker.lengths([1, 1, 1]) + b"abcd",
}
SHARED = {
    "the first has nothing to share": maker.lengths([1, 0, 0]) + maker.lengths([1, 1, 1]) + b"abc",
    "more than there is": maker.lengths([0, 2, 0]) + maker.lengths([1, 1, 1]) + b"abc",
    "bytes behind": maker.lengths([0, 1, 1]) + maker.lengths([1, 1, 1]) + b"abcd",
}
MALFORMED = [
    *((maker.PLAIN, what, data) for what, data in PLAIN.items()),
    *((maker.DELTA_LENGTH, what, data) for what, data in LENGTHS.items()),
    *((maker.DELTA, what, data) for what, data in SHARED.items()),
]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [(encoding, data) for encoding, _, data in MALFORMED],
    ids=[f"{encoding}: {what}" for encoding, what, _ in MALFORMED],
)
def test_malformed_values_are_refused(encoding: int, data: bytes) -> None:
    with pytest.raises(DocumentError, match="malformed Parquet"):
        read(data, encoding, 3)


def test_values_of_another_width_are_refused() -> None:
    for data in (b"aabbc", b"aabbccd", b""):
        with pytest.raises(DocumentError):
            read(data, maker.PLAIN, 3, 2)


@pytest.mark.parametrize(("encoding", "name"), [(9, "BYTE_STREAM_SPLIT"), (5, "DELTA"), (77, "77")])
def test_an_unknown_encoding_is_not_read(encoding: int, name: str) -> None:
    with pytest.raises(UnreadError, match=f"in the encoding {name}"):
        read(b"", encoding, 1)


def test_lengths_wrap_as_numbers_of_32_bits() -> None:
    data = head(128, 1, 3, 2) + maker.i32(-1)[1] + b"\x20" + maker.bits([1 << 31, 1 << 31], 32)
    with pytest.raises(DocumentError):
        read(data.ljust(600, b"\0"), maker.DELTA_LENGTH, 3)
    there_and_back = maker.i64((1 << 32) - 1)[1]  # one less, by way of 2^32
    data = head(128, 1, 3, 2) + there_and_back + b"\x00" + b"aab"
    assert read(data, maker.DELTA_LENGTH, 3) == [b"aa", b"b", b""]


def test_values_without_bytes_are_counted_before_they_are_made() -> None:
    def read_many(count: int, size: int) -> int:
        data = head(1 << 32, 1, count, 0) + b"\x00\x00"
        return sum(1 for _ in each_value(data, maker.DELTA_LENGTH, count, 0, Effort(size)))

    with pytest.raises(UnreadError, match="more than 4194304 values"):
        read_many(values.MOST + 1, 1 << 30)
    with pytest.raises(UnreadError, match="unpacks to too much"):
        read_many(values.MOST, 0)
    assert read_many(100_000, 0) == 100_000


def test_what_values_share_is_counted_before_they_are_made() -> None:
    """A megabyte once, and then two hundred times without a byte of its own."""
    once = b"x" * (1 << 20)
    count = 129
    common = maker.lengths([0, *[len(once)] * (count - 1)])
    data = common + maker.lengths([len(once), *[0] * (count - 1)]) + once
    with pytest.raises(UnreadError, match="unpacks to too much"):
        each_value(data, maker.DELTA, count, 0, Effort(0))
    found = list(each_value(data, maker.DELTA, count, 0, Effort(1 << 24)))
    assert found == [once] * count
