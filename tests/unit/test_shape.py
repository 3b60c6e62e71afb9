"""shape: every field has its type, and nothing unknown passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum

import pytest

from localai.document import Node
from localai.errors import DocumentError
from localai.shape import Fields, read_shape


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def take(node: Node, read: Callable[[Fields], object]) -> object:
    return read_shape(node, "thing", read)


GOOD: list[tuple[Node, Callable[[Fields], object], object]] = [
    ("one line", lambda f: f.text("k"), "one line"),
    ("two\nlines", lambda f: f.text("k", lines=True), "two\nlines"),
    ("x" * 5, lambda f: f.text("k", limit=5), "xxxxx"),
    ("a.b_c-9", lambda f: f.slug("k"), "a.b_c-9"),
    ("a", lambda f: f.slug("k"), "a"),
    ("0" * 64, lambda f: f.digest("k"), "0" * 64),
    ("0", lambda f: f.integer("k", 0, 9), 0),
    ("9", lambda f: f.integer("k", 0, 9), 9),
    ("512 MiB", lambda f: f.size("k"), 512 << 20),
    ("1B", lambda f: f.size("k"), 1),
    ("2028-02-29", lambda f: f.date("k"), date(2028, 2, 29)),
    ("true", lambda f: f.boolean("k"), True),
    ("false", lambda f: f.boolean("k"), False),
    ("red", lambda f: f.choice("k", Colour), Colour.RED),
    (["blue", "red"], lambda f: f.choices("k", Colour), (Colour.BLUE, Colour.RED)),
    (["a", "b"], lambda f: f.texts("k"), ("a", "b")),
    ([], lambda f: f.texts("k"), ()),
    ({"n": "1"}, lambda f: f.one("k", lambda g: g.text("n")), "1"),
    ([{"n": "1"}, {"n": "2"}], lambda f: f.each("k", lambda g: g.text("n")), ("1", "2")),
    ({"x": {"n": "1"}}, lambda f: f.named("k", lambda g: g.text("n")), {"x": "1"}),
]


@pytest.mark.parametrize(("node", "read", "expected"), GOOD)
def test_taken(node: Node, read: Callable[[Fields], object], expected: object) -> None:
    assert take({"k": node}, read) == expected


BAD: list[tuple[Node, Callable[[Fields], object], str]] = [
    ("", lambda f: f.text("k"), "empty"),
    ("  ", lambda f: f.text("k"), "empty"),
    ("two\nlines", lambda f: f.text("k"), "must be one line"),
    ("x" * 6, lambda f: f.text("k", limit=5), "6 characters: at most 5"),
    (["a"], lambda f: f.text("k"), "text was expected"),
    ({"a": "b"}, lambda f: f.text("k"), "text was expected"),
    ("A", lambda f: f.slug("k"), "lower-case letters"),
    ("a b", lambda f: f.slug("k"), "lower-case letters"),
    ("../a", lambda f: f.slug("k"), "lower-case letters"),
    ("a\n", lambda f: f.slug("k"), "lower-case letters"),
    ("x" * 101, lambda f: f.slug("k"), "lower-case letters"),
    ("0" * 63, lambda f: f.digest("k"), "64 lower-case"),
    ("A" * 64, lambda f: f.digest("k"), "64 lower-case"),
    ("0" * 64 + "\n", lambda f: f.digest("k"), "64 lower-case"),
    ("-1", lambda f: f.integer("k", 0, 9), "an integer from 0 to 9"),
    ("10", lambda f: f.integer("k", 0, 9), "an integer from 0 to 9"),
    ("01", lambda f: f.integer("k", 0, 9), "an integer from 0 to 9"),
    ("1_0", lambda f: f.integer("k", 0, 99), "an integer"),
    ("١", lambda f: f.integer("k", 0, 9), "an integer"),
    ("1\n", lambda f: f.integer("k", 0, 9), "an integer"),
    ("9" * 5000, lambda f: f.integer("k", 0, 9), "an integer"),
    ("512", lambda f: f.size("k"), "a number with B"),
    ("512 MB", lambda f: f.size("k"), "a number with B"),
    ("0 MiB", lambda f: f.size("k"), "a number with B"),
    ("2027-02-29", lambda f: f.date("k"), "no such day"),
    ("20270201", lambda f: f.date("k"), "a day like"),
    ("2027-2-1", lambda f: f.date("k"), "a day like"),
    ("2027-W05-1", lambda f: f.date("k"), "a day like"),
    ("0000-01-01", lambda f: f.date("k"), "no such day"),
    ("True", lambda f: f.boolean("k"), "true or false"),
    ("yes", lambda f: f.boolean("k"), "true or false"),
    ("green", lambda f: f.choice("k", Colour), "one of red, blue"),
    ("RED", lambda f: f.choice("k", Colour), "one of red, blue"),
    (["red", "red"], lambda f: f.choices("k", Colour), "stands twice"),
    (["green"], lambda f: f.choices("k", Colour), "one of red, blue"),
    ("a", lambda f: f.texts("k"), "a list was expected"),
    (["a", "a"], lambda f: f.texts("k"), "'a' stands twice"),
    (["a", ["b"]], lambda f: f.texts("k"), "item 2: k: text was expected"),
    (["a", "b"], lambda f: f.texts("k", most=1), "2 items: at most 1"),
    ("a", lambda f: f.one("k", lambda g: g.text("n")), "a mapping was expected"),
    ({"n": "1", "m": "2"}, lambda f: f.one("k", lambda g: g.text("n")), "unknown key 'm'"),
    ([{"n": "1"}, {}], lambda f: f.each("k", lambda g: g.text("n")), "k 2: n: missing"),
    (["a"], lambda f: f.each("k", lambda g: g.text("n")), "a mapping was expected"),
    ({"X": {}}, lambda f: f.named("k", lambda g: g.has("n")), "'X': lower-case"),
    (["x"], lambda f: f.named("k", lambda g: g.has("n")), "a mapping of at most"),
]


@pytest.mark.parametrize(("node", "read", "problem"), BAD)
def test_refused(node: Node, read: Callable[[Fields], object], problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        take({"k": node}, read)
    assert problem in caught.value.message
    assert caught.value.message.startswith("thing")


def test_unknown_keys_are_refused_and_the_known_ones_named() -> None:
    with pytest.raises(DocumentError, match=r"thing: unknown key 'vresion' \(known here: a, b\)"):
        take({"a": "1", "vresion": "2"}, lambda f: (f.text("a"), f.has("b")))


def test_a_missing_field_is_named() -> None:
    with pytest.raises(DocumentError, match="thing: a: missing"):
        take({}, lambda f: f.text("a"))


def test_a_mapping_is_needed() -> None:
    with pytest.raises(DocumentError, match="thing: a mapping was expected"):
        take(["a"], lambda f: None)


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(DocumentError) as caught:
        take({"k": "x" * 10_000}, lambda f: f.digest("k"))
    assert len(caught.value.message) < 200
