"""What files state of their licence and origin, and what of it was not read."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from localai.gguf.facts import Array, GgufFile, Scalar
from localai.gguf.statements import LONGEST, Statements, read_statements
from localai.gguf.types import ValueType


def header(metadata: dict[str, Scalar | Array]) -> GgufFile:
    return GgufFile(3, 100, 32, 0, MappingProxyType(metadata), ())


def words(*said: str, length: int | None = None) -> Array:
    return Array(ValueType.STRING, len(said) if length is None else length, 0, 0, said)


def test_a_file_that_says_nothing() -> None:
    assert read_statements([header({})]) == Statements()


def test_every_part_of_a_model_is_read_and_nothing_stands_twice() -> None:
    first = header({"general.license": "mit", "general.name": "One"})
    second = header({"general.license": "apache-2.0", "general.name": "One"})
    said = read_statements([first, second])
    assert said.licences == ("mit", "apache-2.0")
    assert said.origins == (("general.name", "One"),)


def test_a_licence_called_other_is_known_by_its_name() -> None:
    metadata: dict[str, Scalar | Array] = {
        "general.license": "other",
        "general.license.name": "house-1",
    }
    assert read_statements([header(metadata)]).licences == ("house-1",)
    metadata["general.license"] = "mit"
    assert read_statements([header(metadata)]).licences == ("mit",)
    metadata["general.license"] = words("mit", "gpl-3.0")
    assert read_statements([header(metadata)]).licences == ("mit", "gpl-3.0")
    assert read_statements([header({"general.license": "other"})]).licences == ("other",)
    assert read_statements([header({"general.license.name": "x"})]).licences == ("x",)


def test_origins_are_all_that_names_somebody_even_under_a_key_that_nobody_knows() -> None:
    said = read_statements(
        [
            header(
                {
                    "general.architecture": "llama",
                    "general.base_model.0.organization": "Example",
                    "general.datasets": words("one", "two"),
                    "general.made-somewhere": "Elsewhere",
                    "general.file_type": 3,
                    "general.description": "better than Other",
                    "general.base_model.0.description": "better than Other",
                    "general.tags": words("other"),
                    "general.languages": words("en"),
                    "llama.context_length": 8,
                    "tokenizer.chat_template": "Other",
                }
            )
        ]
    )
    assert said.origins == (
        ("general.architecture", "llama"),
        ("general.base_model.0.organization", "Example"),
        ("general.datasets", "one"),
        ("general.datasets", "two"),
        ("general.made-somewhere", "Elsewhere"),
    )
    assert said.unread == ()


def test_what_is_too_long_to_be_kept_is_told() -> None:
    metadata: dict[str, Scalar | Array] = {
        "general.datasets": words(length=17),
        "general.author": "x" * (LONGEST + 1),
        "general.organization": "x" * LONGEST,
        "general.names": words("one", "x" * (LONGEST + 1)),
        "general.numbers": Array(ValueType.INT32, 3, 0, 0, (1, 2)),
    }
    said = read_statements([header(metadata)])
    assert said.unread == ("general.datasets", "general.author", "general.names")
    assert [key for key, _ in said.origins] == ["general.organization", "general.names"]


@pytest.mark.parametrize("value", [words(length=17), words("x" * (LONGEST + 1)), "x" * 2001])
@pytest.mark.parametrize("key", ["general.license", "general.license.name"])
def test_a_licence_too_long_to_be_kept_is_told(key: str, value: Scalar | Array) -> None:
    """It would pass for none."""
    said = read_statements([header({key: value})])
    assert said.unread_licences == (key,)
    assert said.unread == ()
