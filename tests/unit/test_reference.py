"""What a person types to name something on a hub."""

from __future__ import annotations

import pytest

from localai.errors import UsageError
from localai.manifest.origin import parse_source
from localai.manifest.schema import Source
from localai.reference import Reference, parse_reference

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("hf:example/tiny", Reference("example/tiny")),
        ("hf:example/tiny@main", Reference("example/tiny", "", "main")),
        ("hf:example/tiny/a.gguf", Reference("example/tiny", "a.gguf")),
        (f"hf:example/Tiny-1.B_x/Q4/a b.gguf@{SHA}",
         Reference("example/Tiny-1.B_x", "Q4/a b.gguf", SHA)),
        ("hf:example/tiny@refs/pr/1", Reference("example/tiny", "", "refs/pr/1")),
        ("hf:datasets/example/rows/a.csv", Reference("example/rows", "a.csv", dataset=True)),
    ],
)  # fmt: skip
def test_a_reference(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hf:",
        "hf:tiny",
        "example/tiny",
        "hf:/tiny",
        "hf:example/",
        "hf:example/tiny/",
        "hf:example/tiny@",
        "hf:../tiny",
        "hf:example/..",
        "hf:example/tiny/../../x",
        "hf:example/tiny//x",
        "hf:example/tiny/./x",
        "hf:example/tiny/a\\b",
        "hf:example/tiny/a\x1b",
        "hf:example/tiny@../x",
        "hf:example/tiny@a?b",
        "hf:exa mple/tiny",
        "hf:example/tiny#x",
        "hf:datasets/rows",
        "https://hub.example/example/tiny",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


def test_a_source_in_these_words() -> None:
    source = Source("example", "example/tiny", SHA, hub="hf")
    assert parse_source(f"hf:example/tiny@{SHA}") == source
    assert parse_source(f"hf:example/tiny/a.gguf@{SHA}") == source
    assert parse_source("hf:example/tiny").revision is None
    with pytest.raises(UsageError):
        parse_source("hf:tiny")
