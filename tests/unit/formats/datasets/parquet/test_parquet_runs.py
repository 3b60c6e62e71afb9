"""Levels and indexes: packed numbers and runs, whole and made to hurt."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parquet_maker as maker
from localai.errors import DocumentError
from localai.formats.datasets.parquet.bits import PIECE, unpack
from localai.formats.datasets.parquet.effort import Effort, UnreadError
from localai.formats.datasets.parquet.runs import Levels, each_run

GREATEST = (1 << 31) - 1


def effort() -> Effort:
    return Effort(1 << 20)


def numbers_of(packed: bytes, width: int, count: int) -> list[int]:
    found: list[int] = []
    for run in each_run(packed, width, count, effort()):
        found += [run.value] * run.length if run.listed is None else run.listed
        assert run.greatest == max(found[-run.length :])
    return found


def mixed(numbers: list[int], width: int) -> bytes:
    """Runs where eight neighbours or more are equal, groups of eight where not."""
    found, rest = b"", list[int]()
    for number, same in groupby(numbers):
        count = len(list(same))
        filling = min(-len(rest) % 8, count) if rest else 0
        rest, count = rest + [number] * filling, count - filling
        if count >= 8 and len(rest) % 8 == 0:
            found += (maker.packed(rest, width) if rest else b"") + maker.equal(
                number, count, width
            )
            rest = []
        else:
            rest += [number] * count
    return found + (maker.packed(rest, width) if rest else b"")


@given(st.data(), st.integers(1, 32))
def test_packed_numbers_are_unpacked(data: st.DataObject, width: int) -> None:
    numbers = data.draw(st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=PIECE))
    packed = maker.bits(numbers, width) + b"\xff"
    assert list(unpack(packed, width, len(numbers))) == numbers


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2500)), max_size=8))
def test_runs_of_either_kind_are_read(runs: list[tuple[int, int]]) -> None:
    numbers = [number for number, count in runs for _ in range(count)]
    assert numbers_of(mixed(numbers, 3), 3, len(numbers)) == numbers


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 1500)), max_size=6), st.data())
def test_places_and_counts_are_found(runs: list[tuple[int, int]], data: st.DataObject) -> None:
    numbers = [number for number, count in runs for _ in range(count)]
    levels = Levels(mixed(numbers, 2), 2, len(numbers), effort())
    places = [place for place, number in enumerate(numbers) if number == 2]
    assert levels.occurrences(2) == len(places)
    some = data.draw(st.lists(st.sampled_from(range(len(places))), unique=True)) if places else []
    wanted = sorted(some)
    found = list(levels.find(2, wanted))
    assert found == [places[each] for each in wanted]
    counted = [numbers[: place + 1].count(0) for place in found]
    assert list(levels.count_until(0, found)) == counted


def test_levels_that_need_no_bytes() -> None:
    levels = Levels(b"", 0, 5, effort())
    assert levels.occurrences(0) == 5
    assert list(levels.find(0, [1, 4])) == [1, 4]
    assert list(levels.count_until(0, [1, 4])) == [2, 5]


def test_the_padding_of_the_last_group_may_be_missing() -> None:
    whole = maker.packed([1, 2, 3], 2)
    assert numbers_of(whole[:2], 2, 3) == [1, 2, 3]
    with pytest.raises(DocumentError):
        numbers_of(whole[:2], 2, 5)


MALFORMED = {
    "nothing": b"",
    "a head that is cut": b"\x80",
    "a head of more than 64 bits": b"\xff" * 11,
    "a run of nothing": b"\x00",
    "a run without its value": b"\x06",
    "groups of nothing": b"\x01",
    "groups that are not there": b"\x03",
    "too few": maker.equal(1, 2, 1),
}


@pytest.mark.parametrize("packed", MALFORMED.values(), ids=MALFORMED)
def test_malformed_runs_are_refused(packed: bytes) -> None:
    with pytest.raises(DocumentError):
        numbers_of(packed, 1, 3)


def test_a_level_that_the_schema_does_not_have_is_refused() -> None:
    for packed in (maker.equal(3, 8, 2), maker.packed([0, 1, 3, 0], 2)):
        with pytest.raises(DocumentError, match="a level of 3, where there are 2"):
            Levels(packed, 2, 4, effort()).occurrences(0)


def test_a_run_of_two_thousand_million_stays_one() -> None:
    packed = maker.equal(1, GREATEST, 1)
    assert [run.length for run in each_run(packed, 1, GREATEST, effort())] == [GREATEST]
    levels = Levels(packed, 1, GREATEST, effort())
    assert list(levels.find(1, [GREATEST - 1])) == [GREATEST - 1]


def test_runs_are_paid_for() -> None:
    poor = Effort(0)
    poor.left = 1000
    with pytest.raises(UnreadError, match="unpacks to too much"):
        list(each_run(maker.equal(1, 1, 1) * 100, 1, 100, poor))
    poor.left = 1000
    with pytest.raises(UnreadError, match="unpacks to too much"):
        list(each_run(maker.packed([1] * 1000, 1), 1, 1000, poor))


def test_short_runs_come_together_and_long_ones_stay_apart() -> None:
    short = b"".join(maker.equal(place & 1, 1, 1) + maker.packed([1, 0], 1) for place in range(300))
    data = short + maker.equal(1, 1 << 20, 1) + maker.equal(0, 3, 1)
    count = 2700 + (1 << 20) + 3
    found = list(each_run(data, 1, count, Effort(1 << 20)))
    assert len(found) == 5
    assert [run.length for run in found[-2:]] == [1 << 20, 3]
    assert sum(run.length for run in found) == count
    numbers = [value for run in found[:3] for value in run.listed or ()]
    assert numbers == [n for place in range(300) for n in (place & 1, 1, *[0] * 7)]
