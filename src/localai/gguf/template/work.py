"""Work without end: what a template makes of nothing, whatever the messages are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinja2 import nodes

from localai.gguf.template.flaw import Flaw, fail, note
from localai.gguf.template.value import Value
from localai.gguf.template.walk import MOST

ENDLESS = "the chat template makes endless work"
OPEN = "a format that is not known before it is rendered"
GROWS = "the chat template makes much of what is said"
RANDOM = "the chat template throws dice"

EXPONENT = 1_000  # of whatever number
RANGE = 100_000  # what Jinja's sandbox allows, too
TIMES = 1000  # no honest template makes so many of anything
_WIDTH = re.compile(r"%[-+ #0]*(?:\d{5,}|\*)|%[-+ #0]*\d*\.\d{5,}|\{\w*:[^{}\"'\s]{0,4}\d{5,}")
_NESTED_WIDTH = re.compile(r"\{\w*:[^{}]{0,4}\{")


def weigh(node: nodes.Node, value: Value, parts: Sequence[Value]) -> Iterator[Flaw]:
    """The rule: nothing may be larger than ``MOST``; the first place that is gets named."""
    line = node.lineno
    if value.size > MOST:
        yield fail(ENDLESS, line, f"{_kind(node)} of {_count(value.size)}")
    if isinstance(node, nodes.Pow) and (
        any(number > MOST for number in value.numbers)
        or any(number > EXPONENT for number in parts[1].numbers)
    ):
        yield fail(ENDLESS, line, "a power")
    if isinstance(node, nodes.Mul) and _is_multiplied(*parts):
        yield note(GROWS, line, "a product")
    if isinstance(node, nodes.Pow) and not parts[0].numbers:
        yield note(GROWS, line, "a power")
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield from (fail(ENDLESS, line, width) for width in _WIDTH.findall(node.value))
    if _is_format(node):  # put together from parts, none of which is a format yet
        widths = [width for text in parts[0].strings for width in _WIDTH.findall(text)]
        yield from (fail(ENDLESS, line, width) for width in widths)
        if parts[0].built and not parts[0].exact:
            yield note(OPEN, line, "its widths can be anything")
    if isinstance(node, nodes.Filter) and node.name == "random":
        yield note(RANDOM, line, "|random")
    if isinstance(node, nodes.Call):
        yield from _judge_call(node, value, parts)


def _is_multiplied(left: Value, right: Value) -> bool:
    """Whether many times something is made that is known only when it is rendered."""
    return any(
        max(times.numbers, default=0) >= TIMES and not (other.numbers or other.strings)
        for times, other in ((left, right), (right, left))
    )


def _is_format(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Getattr) and node.node.attr == "format"
    return isinstance(node, nodes.Mod) or (isinstance(node, nodes.Filter) and node.name == "format")


def _judge_call(node: nodes.Call, value: Value, parts: Sequence[Value]) -> Iterator[Flaw]:
    called = node.node
    if isinstance(called, nodes.Name) and called.name == "range" and RANGE < value.size <= MOST:
        yield fail(ENDLESS, node.lineno, f"range of {_count(value.size)}")
    if isinstance(called, nodes.Getattr) and called.attr == "format":
        for text in parts[0].strings:
            yield from (fail(ENDLESS, node.lineno, one) for one in _NESTED_WIDTH.findall(text))


def _kind(node: nodes.Node) -> str:
    """How to call a node that makes too much."""
    if isinstance(node, nodes.Filter):
        return f"|{node.name}"
    if isinstance(node, nodes.Macro):
        return f"macro {node.name}"
    if isinstance(node, nodes.Call):
        return {nodes.Name: "range", nodes.Getattr: "a method"}.get(type(node.node), "a call")
    return {nodes.For: "a loop", nodes.Mul: "a product"}.get(type(node), "a text")


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else "no end"
