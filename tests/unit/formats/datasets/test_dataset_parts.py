"""Which files are one dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from localai.errors import DocumentError
from localai.formats.datasets.parts import name_parts

HERE = Path("data")


def name(*there: str, of: str) -> list[str]:
    return [part.name for part in name_parts(HERE / of, {HERE / one for one in there}.__contains__)]


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_part_stands_for_all(first: int) -> None:
    parts = [f"train-{number:05}-of-00003.parquet" for number in range(first, first + 3)]
    assert name(*parts, of=parts[0]) == parts


def test_a_later_part_is_told_which_is_the_first() -> None:
    parts = [f"a-0000{number}-of-00002.csv" for number in (0, 1)]
    with pytest.raises(DocumentError, match="is not the first part") as caught:
        name(*parts, of=parts[1])
    assert caught.value.hint == "name data/a-00000-of-00002.csv"


def test_where_parts_are_missing_they_are_named_all_the_same() -> None:
    assert len(name(of="a-00000-of-00004.txt")) == 4


@pytest.mark.parametrize(
    "alone",
    ["a.csv", "a-00000-of-00002.gguf", "a-0-of-2.csv", "a-00000-of-00002.csv.gz", "-1-of-2.csv"],
)
def test_any_other_file_stands_alone(alone: str) -> None:
    assert name(alone, of=alone) == [alone]


@pytest.mark.parametrize("count", ["00000", "00501", "99999"])
def test_too_many_parts(count: str) -> None:
    with pytest.raises(DocumentError, match="expected 1 to 500"):
        name(of=f"a-00000-of-{count}.csv")
