"""Read YAML and JSON that decide something, so that nobody can read two things out of one file.

YAML as usually read turns ``no`` into False and a long digest into a number, keeps the last of
two equal keys, follows aliases, and ends comments at characters that no editor shows. Here:

1. the size is capped before anything looks at the bytes, and the number of values by that;
2. the bytes are UTF-8 with ``\\n`` as the only line end, and hold no control, format (bidi, zero
   width) or private character, and no space but the common one: not in the file, and not in any
   value after its escapes were read;
3. every scalar is text; aliases, anchors, tags, directives, merge keys, further documents, keys
   that are no text, equal keys, missing values and deep nesting are refused;
4. :mod:`localai.shape` then reads typed fields and refuses every key that it does not know.

JSON goes through the same steps and yields the same tree. Numbers and true/false come out as
their text; null is refused, and so are fractions unless they are asked for.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from localai.errors import DocumentError

Node: TypeAlias = "str | list[Node] | dict[str, Node]"

LIMIT = 1024 * 1024
"""Bytes that a document may have unless the caller says otherwise."""

DEPTH = 12
"""Levels of nesting that a document may have."""

BYTES_A_VALUE = 8
"""At least, on the average: a hostile document would hold a value in every two bytes."""

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"})
_UNUSUAL = re.compile(r"[^\n\x20-\x7e]")

# libyaml where PyYAML was built with it (20 times as fast), else PyYAML's own parser. One of them
# may refuse a corner that the other reads; the tests see to it that they never read two things.
_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_document(raw: bytes, *, limit: int = LIMIT) -> dict[str, Node]:
    """Read a YAML document whose top level is a mapping; every scalar comes back as text.

    Raises DocumentError with the line of whatever is refused.
    """
    text = decode_text(raw, limit=limit)
    try:
        events = yaml.parse(text, Loader=_Loader)
        return _TreeBuilder(events, limit // BYTES_A_VALUE).build()
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "cannot be read as YAML"
        raise DocumentError(f"{_line_of(error.problem_mark)}{problem}") from error
    except yaml.YAMLError as error:
        raise DocumentError(f"cannot be read as YAML: {error}") from error


def read_json(raw: bytes, *, limit: int = LIMIT, fractions: bool = False) -> dict[str, Node]:
    """Read a JSON object under the same rules, with ``fractions`` also numbers that are none, for
    a format that writes all numbers like that. Raises DocumentError."""
    text = decode_text(raw, limit=limit)
    most = limit // BYTES_A_VALUE
    if sum(map(text.count, "[{,")) > most:  # before each item and each pair
        raise DocumentError(f"more than the {most} values that are allowed")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_refuse_duplicates,
            parse_int=str,
            parse_float=str if fractions else _refuse_number,
            parse_constant=_refuse_number,
        )
    except json.JSONDecodeError as error:
        raise DocumentError(f"line {error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise DocumentError("nested too deeply") from error
    node = _take_json(value, 1)
    if not isinstance(node, dict):
        raise DocumentError("the top level must be an object")
    return node


def decode_text(raw: bytes, *, limit: int) -> str:
    """The text of a document after the steps 1 and 2. Raises DocumentError."""
    if len(raw) > limit:
        raise DocumentError(f"{len(raw)} bytes: more than the {limit} that are allowed")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8 at byte {error.start}") from error
    if (at := _find_refused(text)) is not None:
        line = text.count("\n", 0, at) + 1
        raise DocumentError(
            f"line {line}: the character U+{ord(text[at]):04X} is not allowed",
            hint="only printable characters, single spaces and \\n line ends are",
        )
    return text


def encode_text(text: str) -> bytes:
    """A document's text in UTF-8. Raises DocumentError if it holds bytes that were none when they
    were read from a command line or a file's name (PEP 383)."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        around = text[max(error.start - 20, 0) : error.start].rpartition("\n")[2]
        raise DocumentError(
            f"not UTF-8 text, after '{around}'", hint="type it in UTF-8, in a locale like C.UTF-8"
        ) from error


def is_clean(text: str) -> bool:
    """True if ``text`` holds none of the characters that are refused in documents."""
    return _find_refused(text) is None


def _find_refused(text: str) -> int | None:
    """Where the first of the characters that are refused stands."""
    if not _UNUSUAL.search(text):
        return None
    refused = (
        character
        for character in set(text) - {" ", "\n"}
        if unicodedata.category(character) in _REFUSED_CATEGORIES
    )
    return min(map(text.index, refused), default=None)


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise DocumentError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def _refuse_number(text: str) -> str:
    raise DocumentError(f"the number {text} is not an integer")


def _take_json(value: object, depth: int) -> Node:
    if depth > DEPTH:
        raise DocumentError("nested too deeply")
    if isinstance(value, dict):
        return {_take_text(key): _take_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_take_json(item, depth + 1) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _take_text(value)
    raise DocumentError("null is not allowed")


def _take_text(value: str, where: str = "") -> str:
    if (at := _find_refused(value)) is not None:
        raise DocumentError(f"{where}the character U+{ord(value[at]):04X} is not allowed")
    return value


def _line_of(mark: Any) -> str:  # the two parsers have a Mark class each
    return f"line {mark.line + 1}: " if mark else ""


class _TreeBuilder:
    """Build the tree from the parser's events. The events still show what a loader would have
    resolved silently: anchors, tags, aliases, and whether a scalar was quoted."""

    def __init__(self, events: Iterator[yaml.Event], most: int) -> None:
        self._events = events
        self._most = most
        self._met = 0

    def build(self) -> dict[str, Node]:
        self._next()  # the stream starts
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            raise DocumentError("empty: a mapping was expected")
        if isinstance(start, yaml.DocumentStartEvent) and (start.version or start.tags):
            raise self._refuse(start, "directives (%) are not allowed")
        node = self._take(self._next(), 1)
        self._next()  # the document ends
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refuse(after, "a second document is not allowed")
        if not isinstance(node, dict):
            raise DocumentError("the top level must be a mapping")
        return node

    def _next(self) -> yaml.Event:
        return next(self._events)

    @staticmethod
    def _refuse(event: yaml.Event, problem: str) -> DocumentError:
        return DocumentError(f"{_line_of(event.start_mark)}{problem}")

    def _take(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, "aliases (*) are not allowed")
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise self._refuse(event, "a value was expected")
        self._met += 1
        if self._met > self._most:
            raise self._refuse(event, f"more than the {self._most} values that are allowed")
        if event.anchor is not None:
            raise self._refuse(event, "anchors (&) are not allowed")
        if event.tag is not None:
            raise self._refuse(event, "tags (!) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return self._take_scalar(event)
        if depth > DEPTH:
            raise self._refuse(event, "nested too deeply")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._take_sequence(depth)
        return self._take_mapping(depth)

    def _take_scalar(self, event: yaml.ScalarEvent) -> str:
        if not event.style and not event.value:  # plain: None or "", as the parser likes
            raise self._refuse(event, "a value is missing (write '' for an empty one)")
        return _take_text(event.value, _line_of(event.start_mark))

    def _take_sequence(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._take(event, depth + 1))
        return items

    def _take_mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._take(event, depth + 1)
            if not isinstance(key, str):
                raise self._refuse(event, "a key must be text")
            if key == "<<":
                raise self._refuse(event, "merge keys (<<) are not allowed")
            if key in found:
                raise self._refuse(event, f"the key {key!r} stands twice")
            found[key] = self._take(self._next(), depth + 1)
        return found
