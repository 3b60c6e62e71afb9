"""Pages that are not what the footer, their own headers or a dictionary say of them."""

from __future__ import annotations

import pytest
from looking import look

import parquet_maker as maker

OPTIONAL = maker.STRING | {3: maker.i32(1)}
REPEATED = maker.STRING | {3: maker.i32(2)}

ONE = maker.data_page(maker.plain("a"), 1)
DICTIONARY = maker.dictionary_page(maker.plain("a", "b"), 2)
CONTRADICTIONS: dict[str, bytes] = {
    "fewer rows": maker.texts(ONE * 2, 3, 2),
    "more rows": maker.texts(ONE * 2, 1, 2),
    "fewer values": maker.texts(ONE, 1, 2),
    "more values": maker.texts(ONE * 2, 2, 1),
    "bytes behind the pages": maker.texts(ONE + b"\0", 1),
    "a page that goes on behind them": maker.texts(ONE, 1, meta={7: maker.i64(len(ONE) - 1)}),
    "a header that does not end": maker.texts(ONE + b"\x1c" * 900, 1),
    "a header of nothing": maker.texts(b"\0", 1),
    "no values stated": maker.texts(maker.page(0, {2: maker.i32(0)}, b""), 1),
    "fewer values than nothing": maker.texts(maker.data_page(b"", -1), 1),
    "a size below 0": maker.texts(maker.data_page(b"", 1, unpacked=-1), 1),
    "another size": maker.texts(maker.data_page(b"abcd", 1, unpacked=5), 1),
    "what cannot be unpacked": maker.texts(ONE, 1, codec=6),
    "a second dictionary": maker.texts(DICTIONARY * 2 + ONE, 1),
    "no dictionary": maker.texts(maker.data_page(b"\x01" + maker.equal(0, 1, 1), 1, 8), 1),
    "an entry that is not there": maker.texts(
        DICTIONARY + maker.data_page(b"\x02" + maker.equal(2, 1, 2), 1, 8), 1),
    "a packed entry that is not there": maker.texts(
        DICTIONARY + maker.data_page(b"\x02" + maker.packed([0, 2], 2), 2, 8), 2),
    "entries of 33 bits": maker.texts(
        DICTIONARY + maker.data_page(b"\x21" + maker.equal(0, 1, 33), 1, 8), 1),
    "no entries": maker.texts(DICTIONARY + maker.data_page(b"", 1, 8), 1),
    "fewer entries than stated": maker.texts(
        maker.dictionary_page(maker.plain("a"), 2) + ONE, 1),
    "levels that are cut": maker.texts(
        maker.data_page(b"\xff\xff\xff\xff", 1), 1, element=OPTIONAL),
    "more levels than bytes": maker.texts(
        maker.data_page_2(b"", 1, 1, changes={5: maker.i32(9)}), 1, element=OPTIONAL),
    "levels below 0": maker.texts(
        maker.data_page_2(b"", 1, 1, changes={5: maker.i32(-9)}), 1, element=OPTIONAL),
    "other nulls": maker.texts(
        maker.data_page_2(b"", 1, 1, definition=maker.equal(0, 1, 1)), 1, element=OPTIONAL),
    "other rows": maker.texts(maker.data_page_2(maker.plain("a"), 1, 2), 1),
    "a group that begins inside a row": maker.texts(maker.data_page_2(
        maker.plain("a"), 1, 0, definition=maker.equal(1, 1, 1), repetition=maker.equal(1, 1, 1)),
        0, 1, element=REPEATED),
    "numbers of other rows": maker.parquet({3: maker.i64(2), 4: maker.listed(
        maker.STRUCT, [maker.group([maker.chunk()], 2)])}),
}  # fmt: skip


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_pages_that_are_not_what_is_said_of_them_are_refused(what: str) -> None:
    found = look(CONTRADICTIONS[what], "rows.parquet")
    assert list(found.said) == ["not a sound Parquet file"]
    assert found.failed["not a sound Parquet file"].startswith("x: malformed Parquet: ")
    assert found.facts
