"""What files say of their terms and of where they are from, for rules that are about that.

Nothing of it is proved. A file that names what a rule forbids is believed, one that does not is
not: so an entry's own words are held against the same rules.
Keys: ggml's ``docs/gguf.md``, "General metadata".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from localai.gguf.facts import Array, GgufFile, Scalar
from localai.gguf.types import ValueType

_T = TypeVar("_T")

LONGEST = 2000  # characters of a statement: longer ones are no names
# What a file is about or good for names others as well; its licence is asked for by itself.
_OTHER = re.compile(r"general\.(?:.*\.)?(?:description|tags|languages)|general\.license(?:\..*)?")
_LICENCE = ("general.license", "general.license.name")
_NO_LICENCE = frozenset({"other", "unknown"})  # a hub's words for: see the name


class Statements(NamedTuple):
    """Licences that the files name; each text about their origin, with its key; and the keys of
    what is too long to be a name or a list of some, which nobody reads here: those about the
    origin, and those about the licence."""

    licences: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()
    unread_licences: tuple[str, ...] = ()


def read_statements(files: Sequence[GgufFile]) -> Statements:
    """What the headers of one artifact's files state."""
    pairs = [
        (key, value)
        for file in files
        for key, value in file.metadata.items()
        if key.startswith("general.") and not _OTHER.fullmatch(key)
    ]
    return Statements(
        licences=_once(_licences(files)),
        origins=_once((key, text) for key, value in pairs for text in _texts(value)),
        unread=_once(key for key, value in pairs if _is_unread(value)),
        unread_licences=_once(
            key for file in files for key in _LICENCE if _is_unread(file.metadata.get(key, ""))
        ),
    )


def _licences(files: Iterable[GgufFile]) -> Iterator[str]:
    for file in files:
        names = [text for text in _texts(file.metadata.get("general.license", "")) if text.strip()]
        named = file.text("general.license.name")
        if named and all(name.casefold() in _NO_LICENCE for name in names):
            names = [named]
        yield from names


def _texts(value: Scalar | Array) -> Iterator[str]:
    words = value.first if isinstance(value, Array) else (value,)
    return (word for word in words if isinstance(word, str) and len(word) <= LONGEST)


def _is_unread(value: Scalar | Array) -> bool:
    if isinstance(value, Array):
        return value.kind is ValueType.STRING and len(list(_texts(value))) < value.length
    return isinstance(value, str) and len(value) > LONGEST


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
