"""Which columns hold text, and what is said of those that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from looking import Look, look

import parquet_maker as maker
from localai.findings import Verdict

OPTIONAL = maker.STRING | {3: maker.i32(1)}
FORMULA = '=HYPERLINK("x")'
Numbers = Mapping[int, tuple[int, bytes]]


def look_texts(*texts: str | bytes, element: Numbers | None = None) -> Look:
    page = maker.data_page(maker.plain(*texts), len(texts))
    return look_file(maker.texts(page, len(texts), element=element))


def look_file(data: bytes) -> Look:
    return look(data, "rows.parquet")


def test_bytes_are_searched_where_they_are_text_and_counted_where_not() -> None:
    found = look_texts("a", b"\xff=1", FORMULA, b"\xfe\n", element={3: maker.i32(0)})
    assert found.notes == {"formulas": f"x, row 3: {FORMULA}"}
    assert found.having(Verdict.NOT_CHECKED) == {
        "cells not read": "neither text nor JSON: x, 2 cells (rows 2, 4)"
    }
    assert found.contents.findings[0].remedy.startswith("write the file without them")
    fixed = {1: maker.i32(7), 2: maker.i32(8), 3: maker.i32(0)}
    data = maker.texts(
        maker.data_page(b"12345678=1+A1()+", 2), 2, element=fixed, meta={1: maker.i32(7)}
    )
    assert look_file(data).notes == {"formulas": "x, row 2: =1+A1()+"}


@pytest.mark.parametrize("annotation", [{6: maker.i32(0)}, {6: maker.i32(4)},
    {10: maker.structure({1: maker.structure({})})},
    {10: maker.structure({4: maker.structure({})})},
    {6: maker.i32(5), 10: maker.structure({1: maker.structure({})})},
    {6: maker.i32(0), 10: maker.structure({5: maker.structure({})})}],
    ids=["UTF8", "ENUM", "String", "Enum", "a decimal and a string", "a string and a decimal"],
)  # fmt: skip
def test_every_annotation_of_text_is_known(annotation: Numbers) -> None:
    assert list(look_texts(b"\xff", element=annotation).notes) == ["not UTF-8"]


@pytest.mark.parametrize("annotation", [{6: maker.i32(5)}, {6: maker.i32(21)},
    {10: maker.structure({14: maker.structure({})})}])  # fmt: skip
def test_numbers_have_no_text_unless_they_are_too_long_for_numbers(annotation: Numbers) -> None:
    for width, said in ((16, ["read"]), (33, ["read", "formulas"])):
        element = {1: maker.i32(7), 2: maker.i32(width), 3: maker.i32(0)} | annotation
        page = maker.data_page(FORMULA.encode().ljust(width), 1)
        found = look_file(maker.texts(page, 1, element=element, meta={1: maker.i32(7)}))
        assert list(found.said) == said
    assert list(look_texts(FORMULA, element=annotation).notes) == ["formulas"]


def test_escapes_in_json_are_spelled_out() -> None:
    for annotation in ({6: maker.i32(19)}, {10: maker.structure({12: maker.structure({})})}):
        found = look_texts(
            '{"a": "x\\u202e"}', '{"a": "x"}', '["\\u0061"', "no", element=annotation
        )
        assert found.notes == {"hidden characters": "x, row 1: a x<U+202E>"}
        assert found.having(Verdict.NOT_CHECKED) == {
            "cells not read": "neither text nor JSON: x, row 3"
        }


UNREAD: dict[str, tuple[bytes, str]] = {
    "LZO": (maker.texts(maker.data_page(b"a", 1), 1, codec=3), "packed by LZO"),
    "BSON": (
        maker.texts(maker.data_page(b"a", 1), 1, element={3: maker.i32(0), 6: maker.i32(20)}),
        "structures of another kind",
    ),
    "an encoding": (
        maker.texts(maker.data_page(b"a", 1, 9), 1),
        "in the encoding BYTE_STREAM_SPLIT",
    ),
    "a dictionary's": (
        maker.texts(maker.dictionary_page(b"", 0, 8) + maker.data_page(b"a", 1), 1),
        "a dictionary in the encoding 8",
    ),
    "levels of old": (
        maker.texts(maker.data_page(b"a", 1, levels=4), 1, element=OPTIONAL),
        "levels in an encoding of old",
    ),
    "a new kind of page": (
        maker.texts(maker.page(4, {1: maker.i32(1)}, b"a"), 1), "pages of the unknown kind 4",
    ),
    "a large page": (
        maker.texts(maker.data_page(b"a", 1, unpacked=(32 << 20) + 1), 1, codec=6),
        "a page of more than 32 MiB",
    ),
    "a large dictionary": (
        maker.texts(maker.dictionary_page(b"", (1 << 20) + 1) + maker.data_page(b"", 1), 1),
        "a dictionary of more than 1048576 entries",
    ),
    "encrypted": (
        maker.parquet({4: maker.listed(maker.STRUCT, [maker.group([
            maker.structure({2: maker.i64(4), 8: maker.structure({})})])]),
            8: maker.structure({})}, cells=b"") , "encrypted",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNREAD)
def test_a_column_that_cannot_be_read_is_named_with_the_reason(what: str) -> None:
    data, why = UNREAD[what]
    if what == "encrypted":  # a footer that others can read is signed
        length = int.from_bytes(data[-8:-4], "little") + 28
        data = data[:-8] + bytes(28) + length.to_bytes(4, "little") + b"PAR1"
    found = look_file(data)
    assert found.said == {"columns not read": f"x: {why}"}
    assert found.having(Verdict.NOT_CHECKED)
