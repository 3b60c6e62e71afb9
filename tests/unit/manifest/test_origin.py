"""Where an artifact is from: as a person types it, and as its file says."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from localai.errors import UsageError
from localai.gguf.facts import GgufFile
from localai.manifest.origin import parse_source, read_source, with_bases
from localai.manifest.schema import Source


def header(**stated: str) -> GgufFile:
    named = {f"general.{key.replace('__', '.')}": value for key, value in stated.items()}
    return GgufFile(3, 100, 32, 0, MappingProxyType(named), ())


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("acme/tiny", Source("acme", "acme/tiny")),
        ("acme/tiny@0f3c", Source("acme", "acme/tiny", "0f3c")),
        (" acme ", Source("acme", "acme")),
        (
            "https://hub.example/acme/tiny",
            Source("acme", "https://hub.example/acme/tiny"),
        ),
        ("https://models.example", Source("models.example", "https://models.example")),
        ("https://models.example/x", Source("models.example", "https://models.example/x")),
    ],
)
def test_source(text: str, source: Source) -> None:
    assert parse_source(text) == source


def test_an_address_that_is_none() -> None:
    with pytest.raises(UsageError, match="is no address"):
        parse_source("https://[x/y")


def test_the_files_own_word() -> None:
    said = header(source__url="https://hub.example/acme/tiny", base_model__0__name="Acme Base")
    assert read_source(said) == Source(
        "acme", "https://hub.example/acme/tiny", bases=("Acme Base",)
    )
    assert read_source(header()) is None


@pytest.mark.parametrize(
    "said", ["https://[x/y", "x" * 201, "a/b\x1b[2J", "two\nlines/x", "@", " "]
)
def test_what_no_manifest_can_hold_is_not_taken_over(said: str) -> None:
    assert read_source(header(url=said)) is None


def test_bases_that_a_person_names_count() -> None:
    said = header(base_model__0__name="Theirs", base_model__1__name="evil\u202e")
    assert with_bases(Source("a", "a/b"), said) == Source("a", "a/b", bases=("Theirs",))
    mine = Source("a", "a/b", bases=("Mine",))
    assert with_bases(mine, said) == mine
    assert with_bases(None, said) is None
