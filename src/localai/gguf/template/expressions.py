"""What each expression of a template can come to.

Nothing is rendered, and every step is bounded (``value``), so that the time grows with the size
of the template alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeVisitor

from localai.gguf.template.folding import calculate, call_text, character, concatenate, cut
from localai.gguf.template.value import (
    UNKNOWN,
    Known,
    Mark,
    Value,
    clamp,
    either,
    element,
    known,
    mapping,
    marks_of,
    sequence,
)

_ARITHMETIC = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "FloorDiv": "//",
    "Mod": "%",
    "Pow": "**",
}
SOURCES = 32  # places at which one name is set that are told apart
_COUNTERS = {"index", "index0", "revindex", "revindex0", "length"}  # of a loop
_NEIGHBOURS = {"nextitem", "previtem"}  # of a loop: elements of what it goes over
# Names that a template is given a value for.
_GIVEN = {"messages": Value(marks=frozenset((Mark.MESSAGES,)))}
_GIVEN |= dict.fromkeys(("date_string", "today"), Value(marks=frozenset((Mark.CLOCK,))))
# The model's own, which whoever made the file has chosen as well.
_GIVEN |= dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), Value(built=True))
# What a macro is called with beyond its parameters.
_GIVEN |= dict.fromkeys(("varargs", "kwargs"), Value(built=True))
_MEMBERS = {"content": frozenset((Mark.CONTENT,)), "role": frozenset((Mark.ROLE,))}
_CLOCKS = {"strftime_now", "now", "today", "datetime", "date", "time"}


class Expressions(NodeVisitor):
    """Gives every expression its value."""

    def __init__(self) -> None:
        self.names: dict[str, Value] = {}
        self.scopes = [""]  # the macros that are gone through, each with names of its own
        self.parameters: dict[str, list[str]] = {}  # of each macro
        self._sources: dict[str, dict[int, Value]] = {}

    def see(self, node: nodes.Node, value: Value, *parts: Value) -> Value:
        """A node of that value, made of these parts, in the order in which it names them."""
        return value

    def store(self, target: nodes.Node, value: Value) -> None:
        """A name, or several, can be this too."""
        if isinstance(target, nodes.Tuple):
            for item in target.items:
                self.store(item, element(value))
        elif isinstance(target, nodes.NSRef):
            holder = next(
                (one for one in reversed(self.scopes) if one + target.name in self.names), ""
            )
            self.bind(holder + name_of(target), value, target)
        elif isinstance(target, nodes.Name):
            self.bind(self.scopes[-1] + target.name, value, target)

    def look_up(self, name: str) -> Value | None:
        """What a name can be: the innermost macro's own, or the template's."""
        found = (self.names.get(scope + name) for scope in reversed(self.scopes))
        return next((value for value in found if value is not None), None)

    def bind(self, name: str, value: Value, source: nodes.Node) -> None:
        """What a name can be: all that it is set to, at each place what it came to there last."""
        sources = self._sources.setdefault(name, {})
        place = id(source) if id(source) in sources or len(sources) < SOURCES else 0
        sources[place] = value if place else either((value, sources.get(place, value)))
        self.names[name] = either(sources.values())

    def generic_visit(self, node: nodes.Node, *_args: Any, **_more: Any) -> Value:
        return concatenate([self.visit(child) for child in node.iter_child_nodes()])

    def visit_Const(self, node: nodes.Const) -> Value:
        value = known(node.value) if isinstance(node.value, Known) else UNKNOWN
        return self.see(node, value)

    def visit_Name(self, node: nodes.Name) -> Value:
        value = self.look_up(node.name)
        return self.see(node, _GIVEN.get(node.name, UNKNOWN) if value is None else value)

    def visit_List(self, node: nodes.List | nodes.Tuple) -> Value:
        return self.see(node, sequence([self.visit(item) for item in node.items]))

    visit_Tuple = visit_List

    def visit_Dict(self, node: nodes.Dict) -> Value:
        keys = [self.visit(pair.key) for pair in node.items]
        values = [self.visit(pair.value) for pair in node.items]
        return self.see(node, mapping([*keys, *values]))

    def visit_Concat(self, node: nodes.Concat) -> Value:
        return self.see(node, concatenate([self.visit(part) for part in node.nodes]))

    def visit_BinExpr(self, node: nodes.BinExpr) -> Value:
        left, right = self.visit(node.left), self.visit(node.right)
        value = calculate(_ARITHMETIC[type(node).__name__], left, right)
        return self.see(node, value, left, right)

    visit_Add = visit_Sub = visit_Mul = visit_Div = visit_BinExpr
    visit_FloorDiv = visit_Mod = visit_Pow = visit_BinExpr

    def visit_Neg(self, node: nodes.Neg) -> Value:
        return calculate("-", known(0), self.visit(node.node))

    def visit_And(self, node: nodes.And | nodes.Or) -> Value:
        return either((self.visit(node.left), self.visit(node.right)))

    visit_Or = visit_And

    def visit_Not(self, node: nodes.Not) -> Value:
        return Value(marks=self.visit(node.node).marks)

    def visit_Compare(self, node: nodes.Compare) -> Value:
        parts = [self.visit(child) for child in node.iter_child_nodes()]
        return self.see(node, Value(marks=marks_of(parts)), *parts)

    def visit_Operand(self, node: nodes.Operand) -> Value:
        value: Value = self.visit(node.expr)
        return value

    def visit_CondExpr(self, node: nodes.CondExpr) -> Value:
        self.visit(node.test)
        other = UNKNOWN if node.expr2 is None else self.visit(node.expr2)
        return either((self.visit(node.expr1), other))

    def visit_Test(self, node: nodes.Test) -> Value:
        return self.see(node, UNKNOWN, self.visit(node.node), *self.arguments(node))

    def visit_Getattr(self, node: nodes.Getattr) -> Value:
        value = self.visit(node.node)
        return self.see(node, self.member(node, value, node.attr), value)

    def member(self, node: nodes.Getattr | nodes.Getitem, value: Value, name: str) -> Value:
        """What a value has under a name."""
        if isinstance(node.node, nodes.Name):
            bound = self.look_up(f"{node.node.name}.{name}")
            if bound is not None:
                return bound
            if node.node.name == "loop" and name in _COUNTERS:
                return Value(marks=frozenset((Mark.COUNT,)))
        marks = value.marks & ({Mark.CLOCK, Mark.CONTENT} if name == "text" else {Mark.CLOCK})
        marks |= _MEMBERS.get(name, frozenset())
        others = [one for one in value.items or () if one.only != name]  # no key is its own value
        if others:
            return either(others)._replace(marks=marks)
        return Value(built=value.built or name in _NEIGHBOURS, marks=marks)

    def visit_Getitem(self, node: nodes.Getitem) -> Value:
        value = self.visit(node.node)
        if isinstance(node.arg, nodes.Slice):
            return self.sliced(value, node.arg)
        key = self.visit(node.arg)
        if isinstance(key.only, str):
            return self.see(node, self.member(node, value, key.only), value, key)
        return self.see(node, character(value, key) or element(value), value, key)

    def sliced(self, value: Value, node: nodes.Slice) -> Value:
        bounds = [None if one is None else self.visit(one) for one in
                  (node.start, node.stop, node.step)]  # fmt: skip
        part = cut(value, *bounds)
        if Mark.MESSAGES in part.marks and bounds[0] is not None and bounds[0].only != 0:
            part = part._replace(marks=part.marks - {Mark.MESSAGES} | {Mark.REST})
        return part

    def arguments(self, node: nodes.Call | nodes.Filter | nodes.Test) -> list[Value]:
        """The values of all arguments, in order, by whatever way they are given."""
        given = [self.visit(argument) for argument in node.args]
        given += [self.visit(pair.value) for pair in node.kwargs]
        extra = [one for one in (node.dyn_args, node.dyn_kwargs) if one is not None]
        return given + [element(self.visit(one)) for one in extra]

    def visit_Filter(self, node: nodes.Filter) -> Value:
        return self.apply_filter(node, UNKNOWN if node.node is None else self.visit(node.node))

    def apply_filter(self, node: nodes.Filter, value: Value) -> Value:
        given = self.arguments(node)
        result = call_text(node.name, value, given)
        if node.name == "map" and any("content" in one.texts for one in given):
            result = result._replace(marks=result.marks | {Mark.CONTENT})
        return self.see(node, result, value, *given)

    def visit_Call(self, node: nodes.Call) -> Value:
        called = node.node
        if isinstance(called, nodes.Name):
            self.visit(called)
            given = self.arguments(node)
            return self.see(node, self.call_name(node, called.name, given), *given)
        value = self.visit(called.node if isinstance(called, nodes.Getattr) else called)
        given = self.arguments(node)
        return self.see(node, self.call_method(called, value, given), value, *given)

    def call_method(self, called: nodes.Expr, value: Value, given: Sequence[Value]) -> Value:
        if not isinstance(called, nodes.Getattr):
            return Value(built=True, marks=marks_of((value, *given)))
        if called.attr == "get" and given and isinstance(given[0].only, str):
            found = self.member(called, value, given[0].only)
            return either((found, *given[1:]))
        return call_text(called.attr, value, given)

    def call_name(self, node: nodes.Call, name: str, given: Sequence[Value]) -> Value:
        """What a function of Jinja's, or a macro, makes of its arguments."""
        if name in _CLOCKS and name not in self.names:
            return Value(marks=frozenset((Mark.CLOCK,)))
        if name == "range":
            size = max((number for value in given for number in value.numbers), default=0)
            return Value(size=clamp(size), marks=marks_of(given))
        if name == "dict":
            return mapping([*(known(pair.key) for pair in node.kwargs), *given])
        self._hand_over(node, name, given)
        text = self.names.get(f"{name}()", UNKNOWN)
        return text._replace(marks=text.marks | marks_of(given), built=True)

    def _hand_over(self, node: nodes.Call, name: str, given: Sequence[Value]) -> None:
        """A macro's parameters can be what it is called with."""
        names = self.parameters.get(name, [])
        if len(node.args) > len(names) or node.kwargs:  # what has no name of its own
            self.bind(f"{name}:varargs", sequence(given[len(names) :]), node)
        for parameter, value in zip(names, given[: len(node.args)], strict=False):
            self.bind(f"{name}:{parameter}", value, node)
        for pair, value in zip(node.kwargs, given[len(node.args) :], strict=False):
            own = pair.key if pair.key in names else f"kwargs.{pair.key}"
            self.bind(f"{name}:{own}", value, node)


def name_of(node: nodes.Node) -> str:
    """``a`` or ``a.b``, of what is set or read; empty for anything else."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.NSRef):
        return f"{node.name}.{node.attr}"
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return ""
