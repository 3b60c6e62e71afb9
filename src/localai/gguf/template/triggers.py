"""A template that says something else when a day has come, or when a word is said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from jinja2 import nodes

from localai.gguf.template.flaw import Flaw, fail, note
from localai.gguf.template.value import Mark, Value

DATE = "what the chat template says depends on the date"
WORDS = "the chat template listens for words"
COUNTS = "the chat template counts what is said"

REPLACED = 16  # characters that may stand for a part of a date, in another language
COUNTED = 8  # messages, characters: what is compared with less is only there, or not

# Questions whether there is a value at all, and of which kind.
_PRESENCE = {"defined", "undefined", "none", "string", "mapping", "iterable", "sequence"}
# What may be done with a date on its way into the text.
_SHAPING = {"format", "join", "lower", "lstrip", "replace", "rstrip", "split", "strip", "title"}
_SHAPING |= {"upper", "trim", "string", "capitalize", "default", "d", "safe", "indent"}
_ASKING = (nodes.Compare, nodes.Getitem, nodes.For, nodes.BinExpr)
_SHOWING = (nodes.Add, nodes.And, nodes.Or)
_SEARCHING = {"startswith", "endswith", "find", "rfind", "index", "count", "split", "rsplit"}
_SEARCHING |= {"partition", "rpartition", "replace", "removeprefix", "removesuffix"}
# A word of a person's language, not the marks by which models set off their turns and thoughts
# (<think>, [INST], /no_think), nor a key of a message that comes in parts.
_SPOKEN = re.compile(r"[^\W\d_]{3,}|^[^\W\d_]$|[^\W\d_\x00-\u024f]|\d{3,}")
_MARKS = re.compile(r"[<>\[\]{}|#/`*=]")
_PARTS = frozenset(
    (
        *("text", "type", "value", "data", "content", "parts", "blocks", "document", "role"),
        *("image", "image_url", "video", "video_url", "audio", "input_audio", "name"),
        *("tool_calls", "tool_call_id", "function", "arguments", "citations"),
        *("thinking", "thought", "thoughts", "reasoning", "reasoning_content"),
    )
)


def watch(node: nodes.Node, _value: Value, parts: Sequence[Value]) -> Iterator[Flaw]:
    """The rule: a date is only shown, and what is said in the conversation only passed on."""
    if any(Mark.CLOCK in part.marks for part in parts) and _asks(node, parts):
        yield fail(DATE, node.lineno, "the date is asked for, not only shown")
    if isinstance(node, nodes.Call) and _method(node) == "translate" and _is_said(parts[0]):
        yield note(WORDS, node.lineno, "letters are replaced")
    for left, right in _compared(node, parts):
        yield from _listen(node.lineno, left, right)
        yield from _count(node.lineno, left, right)


def _asks(node: nodes.Node, parts: Sequence[Value]) -> bool:
    """Whether this is more than showing: comparing, counting, looking up, repeating."""
    if isinstance(node, nodes.Filter | nodes.Call):
        name = node.name if isinstance(node, nodes.Filter) else _method(node)
        if name == "replace":
            return any(part.size > REPLACED for part in parts[2:])
        return name not in _SHAPING
    if isinstance(node, nodes.Test):
        return node.name not in _PRESENCE
    return isinstance(node, _ASKING) and not isinstance(node, _SHOWING)


def _compared(node: nodes.Node, parts: Sequence[Value]) -> Iterator[tuple[Value, Value]]:
    """What is held against what: a word against a text, in one order or the other."""
    if isinstance(node, nodes.Compare):
        pairs = zip(pairwise(parts), node.ops, strict=True)
        yield from (_as_said(*pair) if one.op in ("eq", "ne") else pair for pair, one in pairs)
        # A message that is written out, and looked for among them.
        yield from (_as_said(*pair) for pair in pairwise(parts) if pair[0].items)
    elif isinstance(node, nodes.Test) and node.name not in _PRESENCE:
        yield from ((parts[0], part) for part in parts[1:])
    elif isinstance(node, nodes.Getitem) or (
        isinstance(node, nodes.Call) and _method(node) == "get"
    ):
        yield from ((key, parts[0]) for key in parts[1:2] if _is_said(key))
    elif isinstance(node, nodes.Call) and _method(node) in _SEARCHING:
        yield from ((parts[0], part) for part in parts[1:2])
    elif isinstance(node, nodes.Filter):
        yield from _selected(node, parts)


def _as_said(left: Value, right: Value) -> tuple[Value, Value]:
    """What stands in a message, by whatever name: nothing else in it is equal to a text."""
    if Mark.MESSAGES in left.marks:
        left = left._replace(marks=left.marks | {Mark.CONTENT})
    if Mark.MESSAGES in right.marks:
        right = right._replace(marks=right.marks | {Mark.CONTENT})
    return left, right


def _selected(node: nodes.Filter, parts: Sequence[Value]) -> Iterator[tuple[Value, Value]]:
    """The same, for the filters that compare."""
    by_content = any("content" in part.texts for part in parts[1:2])
    if node.name in ("selectattr", "rejectattr") and by_content:
        said = parts[0]._replace(marks=parts[0].marks | {Mark.CONTENT})
        yield from ((said, part) for part in parts[3:])
    elif node.name in ("select", "reject"):
        yield from ((parts[0], part) for part in parts[2:])
    elif node.name == "replace":
        yield from ((parts[0], part) for part in parts[1:2])


def _method(node: nodes.Call) -> str:
    return node.node.attr if isinstance(node.node, nodes.Getattr) else ""


def _listen(line: int, left: Value, right: Value) -> Iterator[Flaw]:
    """A word that is looked for in what is said."""
    for value, word in ((left, right), (right, left)):
        if _is_said(value):
            for text in (text for one in (word, *(word.items or ())) for text in one.strings):
                if _SPOKEN.search(text) and not _MARKS.search(text) and text not in _PARTS:
                    yield note(WORDS, line, text)


def _count(line: int, left: Value, right: Value) -> Iterator[Flaw]:
    """A number that the messages, or what they say, must come to."""
    for value, number in ((left, right), (right, left)):
        if value.marks & {Mark.COUNT, Mark.CONTENT} and any(
            one >= COUNTED for one in number.numbers
        ):
            yield note(COUNTS, line, f"{max(number.numbers):,}")


def _is_said(value: Value) -> bool:
    """Whether this is what messages say, or all of them in one text."""
    return Mark.CONTENT in value.marks or (value.built and Mark.MESSAGES in value.marks)
