"""document: each vector says what must become of it, and all readers of YAML must agree."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localai import document
from localai.document import DEPTH, LIMIT, is_clean, read_document, read_json, yamltree
from localai.errors import DocumentError

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "document").glob("*.yaml"))
PARSERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


def expectation(path: Path) -> tuple[str, str]:
    header = path.read_bytes().split(b"\n", 1)[0].decode("utf-8-sig")
    outcome, _, rest = header.removeprefix("# expect: ").partition(": ")
    return outcome, rest


@pytest.fixture(params=[*PARSERS, None], ids=lambda one: getattr(one, "__name__", "linewise"),
                autouse=True)  # fmt: skip
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each parser of YAML alone, and what happens: line by line where that is enough."""
    if request.param:
        monkeypatch.setattr(document, "read_linewise", lambda _: None)
        monkeypatch.setattr(yamltree, "_Loader", request.param)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    outcome, rest = expectation(path)
    if outcome == "accepted":
        assert read_document(path.read_bytes()) == json.loads(rest)
        return
    assert outcome == "refused"
    with pytest.raises(DocumentError) as caught:
        read_document(path.read_bytes())
    assert rest in caught.value.message


def test_the_attacks_work_on_an_ordinary_loader() -> None:
    """The vectors are real: what the usual loader makes of some of them."""

    def load(name: str) -> object:
        path = next(path for path in VECTORS if path.stem == name)
        return yaml.load(path.read_bytes().decode(), Loader=yaml.SafeLoader)

    assert load("duplicate-key") == {"version": 2}
    assert load("line-separator-ends-comment") == {"version": 1}
    assert load("next-line-ends-comment") == {"version": 2}
    assert load("carriage-return-ends-comment") == {"version": 2}
    assert load("merge-key") == {"a": "b"}
    assert load("accepted-no-stays-text")["a"] is False  # type: ignore[index]
    with pytest.raises(RecursionError):
        load("nested-brackets-2000")


def test_the_size_is_capped_first() -> None:
    ending = b"a: b #"
    assert read_document(ending.ljust(LIMIT, b"x")) == {"a": "b"}
    with pytest.raises(DocumentError, match=f"{LIMIT + 1} bytes: more than the {LIMIT}"):
        read_document(ending.ljust(LIMIT + 1, b"x"))
    with pytest.raises(DocumentError, match="7 bytes: more than the 6"):
        read_document(b"a: b #x", limit=6)
    with pytest.raises(DocumentError, match="more than"):  # not even decoded
        read_document(b"\xff" * 7, limit=6)


def test_values_are_capped_by_the_limit() -> None:
    assert read_document(b"a: [" + b"b," * 97 + b"]", limit=800)  # with the key and two around it
    with pytest.raises(DocumentError, match="line 1: more than the 100 values"):
        read_document(b"a: [" + b"b," * 98 + b"]", limit=800)


def test_depth_is_capped_where_it_says() -> None:
    def nest(levels: int) -> bytes:  # a mapping around the lists is one level
        return b"a: " + b"[" * (levels - 1) + b"b" + b"]" * (levels - 1)

    assert read_document(nest(DEPTH))
    with pytest.raises(DocumentError, match="nested too deeply"):
        read_document(nest(DEPTH + 1))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "the key 'b' stands twice"),
        (b'{"a": 1.5}', "the number 1.5 is not an integer"),
        (b'{"a": 1e3}', "the number 1e3 is not an integer"),
        (b'{"a": NaN}', "the number NaN is not an integer"),
        (b'{"a": -Infinity}', "is not an integer"),
        (b'{"a": null}', "null is not allowed"),
        (b'{"a": "\\u202e"}', "the character U+202E is not allowed"),
        (b'{"a\\u0000": "b"}', "the character U+0000 is not allowed"),
        (b'{"a": "\\ud800"}', "the character U+D800 is not allowed"),
        (b'{"a":\t1}', "line 1: the character U+0009 is not allowed"),
        (b"[1]", "the top level must be an object"),
        (b'"a"', "the top level must be an object"),
        (b'{"a": 1} {}', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"", "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}", "nested too deeply"),
        (b'{"a": "' + b"x" * LIMIT + b'"}', "more than the"),
        (b"\xef\xbb\xbf{}", "U+FEFF"),
    ],
)
def test_json_is_read_under_the_same_rules(raw: bytes, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_json(raw)
    assert problem in caught.value.message


def test_values_of_json_are_capped_by_the_limit() -> None:
    def many(values: int) -> bytes:
        return b'{"a": [' + b", ".join([b"0"] * values) + b"]}"

    assert read_json(many(98), limit=800)
    with pytest.raises(DocumentError, match="more than the 100 values"):
        read_json(many(100), limit=800)


def test_json_gives_text() -> None:
    raw = b'{"a": 7, "b": true, "c": ["x", false, {"d": "7"}], "e": -1}'
    assert read_json(raw) == {"a": "7", "b": "true", "c": ["x", "false", {"d": "7"}], "e": "-1"}
    assert read_json(b'{"a": ' + b"9" * 5000 + b"}") == {"a": "9" * 5000}


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    for read in (read_document, read_json):
        try:
            read(raw)
        except DocumentError as error:
            assert error.message


@settings(max_examples=300)
@given(st.text(alphabet="ab:-[]{},#&*!|>'\"%?@\\ \n0", max_size=40))
@example("a: |#\n x\n")  # libyaml takes what looks like a comment there, PyYAML does not
def test_the_two_parsers_never_read_two_things(text: str) -> None:
    """One of them may refuse what the other reads: neither may read something else."""
    answers = []
    for loader in PARSERS:
        yamltree._Loader = loader  # type: ignore[assignment]
        with contextlib.suppress(DocumentError):
            answers.append(yamltree.read_tree(f"k: {text}", LIMIT))
    assert all(answer == answers[0] for answer in answers)


def test_is_clean() -> None:
    assert is_clean("Zoë, 東京\n")
    assert not is_clean("a\u202eb")
    assert not is_clean("a\tb")
