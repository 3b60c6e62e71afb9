"""The footer of a Parquet file: whole, cut, and made to hurt."""

from __future__ import annotations

import struct
import tempfile

import pytest
from looking import look, measure_peak

import parquet_maker as maker
from localai.errors import DocumentError
from localai.findings import Verdict
from localai.formats.datasets.parquet.footer import ParquetFile, read_parquet
from localai.formats.datasets.parquet.thrift import MAX_VALUES, TooMuchError


def read(data: bytes) -> ParquetFile:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_parquet(file.fileno(), len(data))


def column(name: str, children: int = 0) -> tuple[int, bytes]:
    fields = {1: maker.i32(2), 3: maker.i32(0), 4: maker.binary(name), 5: maker.i32(children)}
    return maker.structure(fields)


def leaf(numbers: dict[int, int]) -> tuple[int, bytes]:
    fields = {field: maker.i32(number) for field, number in numbers.items()}
    return maker.structure(dict(sorted((fields | {4: maker.binary("x")}).items())))


def schema(*columns: tuple[int, bytes]) -> dict[int, tuple[int, bytes]]:
    return {2: maker.listed(maker.STRUCT, columns)}


def groups(*listed: tuple[int, bytes]) -> dict[int, tuple[int, bytes]]:
    return {4: maker.listed(maker.STRUCT, listed)}


def test_a_whole_file() -> None:
    file = read(maker.parquet())
    assert (file.rows, file.columns, file.created_by) == (3, ("x",), "by hand")
    assert [group.rows for group in file.groups] == [3]
    assert file.metadata == ("origin",)
    found = look(maker.parquet(), "rows.parquet")
    assert found.facts == {
        "rows": 3,
        "columns": 1,
        "row groups": 1,
        "compression": ("Snappy",),
        "made by": "by hand",
        "metadata": ("origin",),
    }
    assert found.said == {"read": "3 rows; 0 of 1 columns are text, searched"}


def test_nested_columns_are_named_by_their_uppermost_level() -> None:
    tree = schema(column("schema", 2), column("a", 2), column("b"), column("c"), column("d"))
    group = maker.group([maker.chunk()] * 3)
    file = read(maker.parquet(tree | groups(group)))
    assert file.columns == ("a", "d")
    assert [leaf.path for leaf in file.leaves] == ["a.b", "a.c", "d"]
    tree = schema(column("schema", 2), column("a"), column("b", 2), column("c"), column("d"))
    file = read(maker.parquet(tree | groups(group)))
    assert file.columns == ("a", "b")
    assert [leaf.path for leaf in file.leaves] == ["a", "b.c", "b.d"]


def test_fields_that_are_unknown_are_passed_over() -> None:
    double, truth = (7, bytes(8)), (1, b"")
    pair = (11, b"\x01\x88" + maker.binary("k")[1] + maker.binary("v")[1])
    none, truths = (11, b"\x00"), maker.listed(1, [(1, b"\x01"), (1, b"\x02")])
    deep = maker.structure({1: maker.structure({20: truths}), 300: (13, bytes(16))})
    more = {7: maker.listed(maker.STRUCT, [deep]), 20: double, 21: truth, 22: pair, 23: none}
    assert read(maker.parquet(more)).rows == 3


def test_a_column_in_another_file_is_refused() -> None:
    outside = maker.chunk(outer={1: maker.binary("../../etc/shadow\u202e")})
    found = look(maker.parquet(groups(maker.group([outside]))), "rows.parquet")
    assert found.failed == {"names another file": "../../etc/shadow\\u202e"}
    assert found.having(Verdict.NOT_CHECKED) == {"columns not read": "x: in another file"}


def test_what_unpacks_to_much_more_is_noted() -> None:
    bomb = maker.chunk({6: maker.i64(1 << 40)})
    found = look(maker.parquet(groups(maker.group([bomb]))), "rows.parquet")
    assert found.notes == {"unpacks to more": f"{len(maker.NUMBERS)} bytes to {1 << 40}"}


def test_hidden_characters_in_names_are_noted_and_shown_as_escapes() -> None:
    found = look(maker.parquet(schema(column("s", 1), column("x\u202e"))), "rows.parquet")
    assert "\\u202e" in found.notes["hidden characters"]


def test_a_group_without_rows_has_no_place() -> None:
    empty = maker.chunk({5: maker.i64(0), 6: maker.i64(0), 7: maker.i64(15), 9: maker.i64(0)})
    changes = {3: maker.i64(0)} | groups(maker.group([empty], 0))
    assert read(maker.parquet(changes)).rows == 0


CHUNKS = {
    "beyond the cells": {7: maker.i64(len(maker.NUMBERS) + 1)},
    "before the cells": {9: maker.i64(3)},
    "a place of 2^62": {9: maker.i64(1 << 62)},
    "a negative place": {9: maker.i64(-1)},
    "a negative size": {7: maker.i64(-1)},
    "a negative size unpacked": {6: maker.i64(-1)},
    "an unknown compression": {4: maker.i32(8)},
    "a negative compression": {4: maker.i32(-1)},
    "another type": {1: maker.i32(1)},
    "a text where its size belongs": {7: maker.binary("ten")},
}
FOOTERS = {
    "another number of rows": maker.footer({3: maker.i64(4)}),
    "negative rows": maker.footer(
        {3: maker.i64(-3)} | groups(maker.group([maker.chunk()], -3))),
    "more columns than are named": maker.footer(groups(maker.group([maker.chunk()] * 2))),
    "no columns": maker.footer(schema()),
    "two roots": maker.footer(schema(column("s", 1), column("x"), column("y"))),
    "a column too few": maker.footer(schema(column("s", 2), column("x"))),
    "2^31 - 1 children": maker.footer(schema(column("s", (1 << 31) - 1), column("x"))),
    "negative children": maker.footer(schema(column("s", -1), column("x"))),
    "a repetition that does not exist": maker.footer(schema(column("s", 1), leaf({3: 3}))),
    "a column without repetition": maker.footer(schema(column("s", 1), leaf({}))),
    "a column of no type": maker.footer(schema(column("s", 1), leaf({1: 8, 3: 0}))),
    "a column of fixed width without one": maker.footer(schema(column("s", 1), leaf({1: 7, 3: 0}))),
    "a signature that is cut": maker.footer({8: maker.structure({})}) + bytes(27),
    "bytes behind": maker.footer() + b"\x00",
    "no end": maker.footer()[:-1],
    "empty": b"",
    "a list of 2^60 columns": b"\x29\xfc" + maker.varint(1 << 60),
    "a text of 2^63": b"\x68" + maker.varint(1 << 63),
    "a number of eleven bytes": b"\x36" + b"\xff" * 10 + b"\x01",
    "lists 100,000 deep": b"\xf9" + b"\x19" * 100_000,
    "structures 100,000 deep": b"\xfc" + b"\x1c" * 100_000,
    "maps 100,000 deep": b"\xfb" + b"\x01\x8b\x00" * 100_000,
    "an unknown type": b"\xfe\x00",
    "columns that are numbers": maker.footer({2: maker.listed(maker.I32, [maker.i32(1)])}),
    "columns that are a text": maker.footer({2: maker.binary("x")}),
    **{name: maker.footer(groups(maker.group([maker.chunk(change)])))
       for name, change in CHUNKS.items()},
}  # fmt: skip


@pytest.mark.parametrize("footer", FOOTERS.values(), ids=FOOTERS)
def test_a_malformed_footer_is_refused(footer: bytes) -> None:
    found = look(maker.parquet(foot=footer), "rows.parquet")
    assert list(found.failed) == ["not a sound Parquet file"]
    assert found.facts == {}


@pytest.mark.parametrize("length", [0, 1, 1 << 24, (1 << 31) - 1, (1 << 32) - 1])
def test_a_footers_length_at_its_extremes(length: int) -> None:
    data = maker.parquet()
    with pytest.raises(DocumentError):
        read(data[:-8] + struct.pack("<I", length) + b"PAR1")


def test_every_prefix_is_refused() -> None:
    data = maker.parquet()
    for length in range(len(data)):
        with pytest.raises(DocumentError):
            read(data[:length])


def test_every_bit_flipped_is_read_or_refused_and_never_beyond_the_file() -> None:
    data = maker.parquet()
    end, refused = 4 + len(maker.NUMBERS), 0
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            try:
                file = read(bytes(flipped))
            except DocumentError:
                refused += 1
                continue
            assert all(one.elsewhere or one.begin + one.packed <= end for one in file.chunks)
    assert refused > 400


def many_values() -> bytes:
    """A footer of sixteen megabytes: a list of as many empty structures as it has bytes."""
    count = (16 << 20) - 100
    return b"\x79\xfc" + maker.varint(count) + bytes(count)


def test_more_values_than_are_looked_at_are_said_to_be() -> None:
    data = maker.parquet(foot=many_values())
    with pytest.raises(TooMuchError):
        read(data)
    found = look(data, "rows.parquet")
    said = f"a footer of more than {MAX_VALUES} values"
    assert found.having(Verdict.NOT_CHECKED) == {"too much to look at": said}


def test_memory_is_bounded() -> None:
    assert measure_peak(maker.parquet(foot=many_values()), "rows.parquet") < 80 << 20
    columns = schema(column("s", 60_000), *(column("x" * 200) for _ in range(60_000)))
    data = maker.parquet({3: maker.i64(0)} | columns | groups())
    assert measure_peak(data, "rows.parquet") < 80 << 20


def test_a_file_that_is_cut_short_is_told_so() -> None:
    with pytest.raises(DocumentError, match=r"cut short.*expected PAR1"):
        read(maker.parquet()[:-1])
