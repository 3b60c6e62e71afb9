"""Which of a repository's files somebody may pick."""

from __future__ import annotations

import pytest

from localai.cli.stores.fetching import _choose
from localai.errors import UsageError
from localai.fetch.listing import Listing, Remote, measure
from localai.reference import parse_reference

REFERENCE = parse_reference("hf:example/many")


def list_of(*names: str) -> Listing:
    files = tuple(Remote(name, 1000 + number, "d" * 64) for number, name in enumerate(names))
    return Listing("a" * 40, "example", "", False, (), files)


def test_a_set_has_the_size_of_all_its_parts() -> None:
    listing = list_of("m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "other.gguf")
    assert [measure(listing, file) for file in (listing.files[0], listing.files[2])] == [2001, 1002]


def test_a_large_repository_does_not_fill_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="which one"):
        _choose(REFERENCE, list_of(*(f"{number}.gguf" for number in range(20_000))))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 102
    assert lines[0] == "example/many has 20000 models"
    assert lines[100:] == [
        " 100  99.gguf, 1.1 KiB", "and 19900 more: what is not shown can be named"
    ]  # fmt: skip
