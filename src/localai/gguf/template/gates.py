"""A template that says something else when a day has come, or when a word is said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinja2 import nodes

from localai.gguf.template.flaw import Flaw, fail, note
from localai.gguf.template.value import Mark, Value

DATE = "what the chat template says depends on the date"
WORDS = "the chat template listens for words"

# Questions whether there is a value at all, and of which kind.
_PRESENCE = {"defined", "undefined", "none", "string", "mapping", "iterable", "sequence"}
# What may be done with a date on its way into the text.
_SHAPING = {"format", "join", "lower", "lstrip", "replace", "rstrip", "split", "strip", "title"}
_SHAPING |= {"upper", "trim", "string", "capitalize", "default", "d", "safe", "indent"}
_ASKING = (nodes.Compare, nodes.Getitem, nodes.For, nodes.BinExpr)
_SHOWING = (nodes.Add, nodes.And, nodes.Or)
_SEARCHING = {"startswith", "endswith", "find", "rfind", "index", "count"}
# A word of a person's language, not the marks by which models set off their turns and thoughts
# (<think>, [INST], /no_think), nor a key of a message that comes in parts.
_SPOKEN = re.compile(r"[^\W\d_]{3,}")
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
    if _asks(node) and any(Mark.CLOCK in part.marks for part in parts):
        yield fail(DATE, node.lineno, "the date is asked for, not only shown")
    for left, right in _compared(node, parts):
        yield from _listen(node.lineno, left, right)


def _compared(node: nodes.Node, parts: Sequence[Value]) -> Iterator[tuple[Value, Value]]:
    """What is held against what: a word against a text, in one order or the other."""
    if isinstance(node, nodes.Compare):
        pairs = zip(parts, parts[1:], node.ops, strict=False)
        yield from ((a, b) for a, b, one in pairs if one.op in ("in", "notin", "eq", "ne"))
    searching = isinstance(node, nodes.Call) and _method(node) in _SEARCHING
    if searching or (isinstance(node, nodes.Test) and node.name not in _PRESENCE):
        yield from ((parts[0], part) for part in parts[1:])


def _asks(node: nodes.Node) -> bool:
    """Whether this is more than showing: comparing, counting, looking up, repeating."""
    if isinstance(node, nodes.Filter):
        return node.name not in _SHAPING
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Getattr) and _method(node) not in _SHAPING
    if isinstance(node, nodes.Test):
        return node.name not in _PRESENCE
    return isinstance(node, _ASKING) and not isinstance(node, _SHOWING)


def _method(node: nodes.Call) -> str:
    return node.node.attr if isinstance(node.node, nodes.Getattr) else ""


def _listen(line: int, left: Value, right: Value) -> Iterator[Flaw]:
    """A word that is looked for in what is said."""
    for value, word in ((left, right), (right, left)):
        if Mark.CONTENT in value.marks:
            for text in (text for one in (word, *(word.items or ())) for text in one.strings):
                if _SPOKEN.search(text) and not _MARKS.search(text) and text not in _PARTS:
                    yield note(WORDS, line, text)
