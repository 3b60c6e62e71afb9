"""No file is read here otherwise than by those who pass over, or cut, what is not as it should be:
each of these shows them the cells of another page than the one that would be looked at."""

from __future__ import annotations

import pytest
from looking import Look, look

import parquet_maker as maker
from localai.formats.datasets.parquet.thrift import Type

HARM, DECOY = '=HYPERLINK("x")', "nothing at all "
PAGES = [maker.data_page(maker.plain(text), 1) for text in (DECOY, HARM)]
SIZE = len(PAGES[0])
PLACE = maker.i64(4 + SIZE)  # of the page with the harm


def look_numbers(*more: tuple[int, tuple[int, bytes]]) -> Look:
    """A chunk that begins with the harm, unless what follows its numbers says otherwise."""
    chunk = maker.structure({
        1: maker.i32(6), 2: maker.listed(maker.I32, []), 3: maker.listed(maker.BINARY, []),
        4: maker.i32(0), 5: maker.i64(1), 6: maker.i64(SIZE), 7: maker.i64(SIZE), 9: PLACE,
    })[1][:-1]  # fmt: skip
    for number, (kind, value) in more:
        chunk += bytes([kind]) + maker.i32(number)[1] + value
    outer = maker.structure({2: maker.i64(4), 3: (maker.STRUCT, chunk + b"\0")})
    schema = [maker.structure({4: maker.binary("schema"), 5: maker.i32(1)}), maker.leaf()]
    changes = {
        2: maker.listed(maker.STRUCT, schema), 3: maker.i64(1),
        4: maker.listed(maker.STRUCT, [maker.group([outer], 1)]),
    }  # fmt: skip
    return look(maker.parquet(changes, cells=b"".join(PAGES)), "rows.parquet")


def test_the_harm_is_found() -> None:
    assert list(look_numbers().notes) == ["formulas"]


@pytest.mark.parametrize(
    "more",
    {
        "twice": (9, maker.i64(4)),
        "twice, once of another type": (9, maker.i32(4)),
        "beyond 16 bits": (9 + (1 << 16), maker.i64(4)),
        "of another type": (11, maker.i32(4)),
        "of more than 64 bits": (11, (maker.I64, maker.varint((4 + (1 << 64)) * 2))),
    }.items(),
    ids=lambda each: each[0],
)
def test_a_place_that_is_read_in_two_ways_is_refused(
    more: tuple[str, tuple[int, tuple[int, bytes]]],
) -> None:
    found = look_numbers(more[1])
    assert list(found.said) == ["not a sound Parquet file"]


@pytest.mark.parametrize(
    "changes",
    [{3: maker.i64(SIZE)}, {3: maker.i32(SIZE + (1 << 32))}, {3: maker.i32(-1)}],
    ids=["another type", "more than 32 bits", "below 0"],
)
def test_the_size_of_a_page_has_32_bits(changes: maker.Fields) -> None:
    page = maker.data_page(maker.plain(HARM), 1, changes=changes)
    assert list(look(maker.texts(page, 1), "rows.parquet").failed) == ["not a sound Parquet file"]


def test_a_page_is_packed_unless_a_truth_value_says_that_it_is_not() -> None:
    texts = maker.plain(HARM)
    packed = bytes([len(texts), len(texts) - 1 << 2]) + texts  # by Snappy, as it is
    for data, kind in (
        (packed, (Type.I32, b"\0")),
        (packed, (Type.TRUE, b"")),
        (texts, (Type.FALSE, b"")),
    ):
        page = maker.data_page_2(data, 1, 1, unpacked=len(texts), changes={7: kind})
        assert list(look(maker.texts(page, 1, codec=1), "rows.parquet").notes) == ["formulas"]
