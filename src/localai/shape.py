"""Read the typed fields of a document's mappings; whatever is not known is refused.

The manifest's and the policy's schemas are written with this. A schema is a function that takes
:class:`Fields` and returns a named tuple.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import TypeVar

from localai.document import Node, is_clean
from localai.errors import DocumentError

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)

TEXT_LIMIT = 200
"""Characters that a text may have unless a schema says otherwise."""

_MOST = 1000  # items of a list or a mapping, likewise
_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?")
_SIZE = re.compile(r"([1-9][0-9]{0,11}) ?(B|KiB|MiB|GiB|TiB)")
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def is_line(text: str) -> bool:
    """Whether a field can hold ``text`` as it is: one clean line that is not too long."""
    return 0 < len(text.strip()) <= len(text) <= TEXT_LIMIT and "\n" not in text and is_clean(text)


def is_slug(text: str) -> bool:
    """True for an identifier of lower-case letters, digits, ``.``, ``_`` and ``-``."""
    return _SLUG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """True for a SHA-256 digest in lower-case hex."""
    return _DIGEST.fullmatch(text) is not None


def read_shape(node: Node, where: str, read: Callable[[Fields], _T]) -> _T:
    """Let ``read`` take the fields of a mapping, then refuse those that it did not take.

    ``where`` names the mapping in messages. Raises DocumentError.
    """
    if not isinstance(node, dict):
        raise DocumentError(f"{where}: a mapping was expected")
    fields = Fields(node, where)
    value = read(fields)
    if unknown := [key for key in node if key not in fields.taken]:
        known = ", ".join(sorted(fields.taken))
        raise DocumentError(f"{where}: unknown key {unknown[0]!r} (known here: {known})")
    return value


class Fields:
    """The fields of one mapping, taken one by one, each with its type.

    Only :func:`read_shape` makes these: it refuses what nobody took. Every ``take`` method
    raises DocumentError, naming the field, if it is missing or is not what it must be.
    """

    __slots__ = ("_node", "_where", "taken")

    def __init__(self, node: dict[str, Node], where: str) -> None:
        self._node = node
        self._where = where
        self.taken: set[str] = set()

    def has(self, key: str) -> bool:
        """True if the optional field ``key`` is there. Asking makes it a known field."""
        self.taken.add(key)
        return key in self._node

    def ignore_others(self) -> None:
        """Let what nobody takes stand, for a format that says so: it is not looked at."""
        self.taken |= self._node.keys()

    def refuse(self, key: str, problem: str) -> DocumentError:
        """The error to raise about field ``key``."""
        return DocumentError(f"{self._where}: {key}: {problem}")

    def text(self, key: str, *, limit: int = TEXT_LIMIT, lines: bool = False) -> str:
        """Text of 1 to ``limit`` characters; with ``lines`` it may hold line ends."""
        value = self._scalar(key)
        if not value.strip():
            raise self.refuse(key, "empty")
        if len(value) > limit:
            raise self.refuse(key, f"{len(value)} characters: at most {limit} are allowed")
        if not lines and "\n" in value:
            raise self.refuse(key, "must be one line")
        return value

    def slug(self, key: str) -> str:
        """An identifier of lower-case letters, digits, ``.``, ``_`` and ``-``."""
        return self._matched(key, _SLUG, "lower-case letters, digits, '.', '_', '-'")[0]

    def digest(self, key: str) -> str:
        """A SHA-256 digest in lower-case hex."""
        return self._matched(key, _DIGEST, "64 lower-case hexadecimal digits")[0]

    def integer(self, key: str, low: int, high: int) -> int:
        """A decimal integer from ``low`` (0 or more) to ``high``."""
        value = int(self._matched(key, _INTEGER, f"an integer from {low} to {high}")[0])
        if not low <= value <= high:
            raise self.refuse(key, f"{value}: an integer from {low} to {high} was expected")
        return value

    def size(self, key: str) -> int:
        """A number of bytes, written with its unit: ``512 MiB``."""
        match = self._matched(key, _SIZE, "a number with B, KiB, MiB, GiB or TiB")
        return int(match[1]) * _UNITS[match[2]]

    def date(self, key: str) -> date:
        """A day, written ``2027-02-01``."""
        text = self._matched(key, _DATE, "a day like 2027-02-01")[0]
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise self.refuse(key, f"{text}: no such day") from error

    def boolean(self, key: str) -> bool:
        """``true`` or ``false``, in these words only."""
        value = self._scalar(key)
        if value not in ("true", "false"):
            raise self.refuse(key, f"{_show(value)}: true or false was expected")
        return value == "true"

    def choice(self, key: str, kind: type[_E]) -> _E:
        """One of the values of a StrEnum."""
        value = self._scalar(key)
        try:
            return kind(value)
        except ValueError as error:
            raise self._no_choice(key, value, kind) from error

    def choices(self, key: str, kind: type[_E]) -> tuple[_E, ...]:
        """A list of values of a StrEnum, none twice."""
        found = self.texts(key)
        known = set(kind)
        for value in found:
            if value not in known:
                raise self._no_choice(key, value, kind)
        return tuple(kind(value) for value in found)

    def texts(self, key: str, *, limit: int = TEXT_LIMIT, most: int = _MOST) -> tuple[str, ...]:
        """A list of at most ``most`` lines of text, none twice; it may be empty."""
        found: dict[str, None] = {}  # in order, and as quick to search when there are many
        for number, node in enumerate(self._list(key, most), 1):
            one = Fields({key: node}, f"{self._where}, item {number}")
            value = one.text(key, limit=limit)
            if value in found:
                raise self.refuse(key, f"{_show(value)} stands twice")
            found[value] = None
        return tuple(found)

    def one(self, key: str, read: Callable[[Fields], _T]) -> _T:
        """A mapping, read by ``read``."""
        return read_shape(self._value(key), f"{self._where}: {key}", read)

    def each(self, key: str, read: Callable[[Fields], _T], *, most: int = _MOST) -> tuple[_T, ...]:
        """A list of at most ``most`` mappings, each read by ``read``; it may be empty."""
        return tuple(
            read_shape(node, f"{self._where}: {key} {number}", read)
            for number, node in enumerate(self._list(key, most), 1)
        )

    def named(self, key: str, read: Callable[[Fields], _T]) -> dict[str, _T]:
        """A mapping from slugs to mappings, each read by ``read``."""
        node = self._value(key)
        if not isinstance(node, dict) or len(node) > _MOST:
            raise self.refuse(key, f"a mapping of at most {_MOST} names was expected")
        for name in node:
            if not _SLUG.fullmatch(name):
                raise self.refuse(key, f"{_show(name)}: lower-case letters, digits, '.', '_', '-'")
        return {
            name: read_shape(value, f"{self._where}: {key} {name}", read)
            for name, value in node.items()
        }

    def _value(self, key: str) -> Node:
        if not self.has(key):
            raise self.refuse(key, "missing")
        return self._node[key]

    def _scalar(self, key: str) -> str:
        value = self._value(key)
        if not isinstance(value, str):
            raise self.refuse(key, "text was expected")
        return value

    def _list(self, key: str, most: int) -> list[Node]:
        value = self._value(key)
        if not isinstance(value, list):
            raise self.refuse(key, "a list was expected")
        if len(value) > most:
            raise self.refuse(key, f"{len(value)} items: at most {most} are allowed")
        return value

    def _matched(self, key: str, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        value = self._scalar(key)
        if match := pattern.fullmatch(value):
            return match
        raise self.refuse(key, f"{_show(value)}: {expected} was expected")

    def _no_choice(self, key: str, value: str, kind: type[_E]) -> DocumentError:
        return self.refuse(key, f"{_show(value)}: one of {', '.join(kind)} was expected")


def _show(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "...")
