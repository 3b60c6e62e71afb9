"""The text of documents: which bytes may stand in one, and what is left when it was read."""

from __future__ import annotations

import re
import unicodedata
from typing import TypeAlias

from localai.errors import DocumentError

Node: TypeAlias = "str | list[Node] | dict[str, Node]"

DEPTH = 12
"""Levels of nesting that a document may have."""

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"})
_UNUSUAL = re.compile(r"[^\n\x20-\x7e]")


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


def take_text(value: str, where: str = "") -> str:
    if (at := _find_refused(value)) is not None:
        raise DocumentError(f"{where}the character U+{ord(value[at]):04X} is not allowed")
    return value
