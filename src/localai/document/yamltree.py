"""Read YAML in whatever style into a tree, by the parser's events: they still show what a loader
would have resolved silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from localai.document.text import DEPTH, Node, take_text
from localai.errors import DocumentError

# libyaml where PyYAML was built with it (20 times as fast), else PyYAML's own parser. One of them
# may refuse a corner that the other reads; the tests see to it that they never read two things.
_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_tree(text: str, most: int) -> dict[str, Node]:
    """The tree of a YAML document whose top level is a mapping, of at most ``most`` values.

    Raises DocumentError with the line of whatever is refused.
    """
    try:
        return _TreeBuilder(yaml.parse(text, Loader=_Loader), most).build()
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "cannot be read as YAML"
        raise DocumentError(f"{_line_of(error.problem_mark)}{problem}") from error
    except yaml.YAMLError as error:
        raise DocumentError(f"cannot be read as YAML: {error}") from error


class _TreeBuilder:
    """Build the tree; anchors, tags, aliases and missing values are refused."""

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
        return take_text(event.value, _line_of(event.start_mark))

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


def _line_of(mark: Any) -> str:  # the two parsers have a Mark class each
    return f"line {mark.line + 1}: " if mark else ""
