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

from localai.document.linewise import read_linewise
from localai.document.text import DEPTH, Node, decode_text, encode_text, is_clean, take_text
from localai.errors import DocumentError

__all__ = ["BYTES_A_VALUE", "DEPTH", "LIMIT", "Node", "decode_text", "encode_text", "is_clean",
           "read_document", "read_json"]  # fmt: skip

LIMIT = 1024 * 1024
"""Bytes that a document may have unless the caller says otherwise."""

BYTES_A_VALUE = 8
"""At least, on the average: a hostile document would hold a value in every two bytes."""


def read_document(raw: bytes, *, limit: int = LIMIT) -> dict[str, Node]:
    """Read a YAML document whose top level is a mapping; every scalar comes back as text.

    Raises DocumentError with the line of whatever is refused.
    """
    text = decode_text(raw, limit=limit)
    most = limit // BYTES_A_VALUE
    # No text has more values than characters.
    if len(text) <= most and (tree := read_linewise(text)) is not None:
        return tree
    from localai.document.yamltree import read_tree  # PyYAML: as slow to import as to do without

    return read_tree(text, most)


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
        return {take_text(key): _take_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_take_json(item, depth + 1) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return take_text(value)
    raise DocumentError("null is not allowed")
