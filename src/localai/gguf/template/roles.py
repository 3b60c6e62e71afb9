"""What a template does with the messages of a role: shown to the model, refused, or dropped.

The same walk once more, with every message taken for one of that role: a condition on the role
is then decided, and what stands behind the other answer is not gone through.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from jinja2 import nodes

from localai.gguf.template.expressions import name_of
from localai.gguf.template.flaw import Flaw
from localai.gguf.template.folding import concatenate
from localai.gguf.template.parsing import parse
from localai.gguf.template.value import EMPTY, Mark, Value, either, marks_of
from localai.gguf.template.walk import Walker

_FROM_MESSAGES = {Mark.CONTENT, Mark.MESSAGES}


class Treatment(StrEnum):
    """What becomes of a message."""

    USED = "used"
    REFUSED = "refused"  # raise_exception: loud, and the worker says it otherwise
    DROPPED = "dropped"


class Roles(NamedTuple):
    """What a template does with the messages of each role, and whether it knows of tools."""

    system: Treatment
    user: Treatment
    assistant: Treatment
    tool: Treatment
    tools: bool


def describe_roles(source: str) -> Roles | None:
    """What the template does with messages; None if it cannot be read."""
    template = parse(source)
    return None if isinstance(template, Flaw) else find_roles(template)


@lru_cache(maxsize=1)
def find_roles(template: nodes.Template) -> Roles:
    """The same, of a template that was parsed."""
    names = {name.name for name in template.find_all(nodes.Name)}
    return Roles(
        _treat(template, "system"),
        _treat(template, "user"),
        _treat(template, "assistant"),
        _treat(template, "tool"),
        "tools" in names,
    )


def _treat(template: nodes.Template, role: str) -> Treatment:
    walker = _RoleWalker(role)
    walker.walk(template)
    # What is only put aside comes to the model where its name is written out, under any condition.
    read = {
        name_of(name)
        for place in template.find_all((nodes.Output, nodes.Assign))
        for name in place.find_all((nodes.Name, nodes.Getattr))
        if getattr(name, "ctx", "load") == "load"
    }
    if walker.refused:
        return Treatment.REFUSED
    return Treatment.USED if walker.shown or walker.kept & read else Treatment.DROPPED


class _RoleWalker(Walker):
    passes = 2

    def __init__(self, role: str) -> None:
        super().__init__()
        self.shown = False
        self.refused = False
        self.kept: set[str] = set()
        self._role = role
        self._decided = 0  # conditions around this place that the role has decided
        self._open = 0  # and those that it has not
        self._left = False  # a continue or break that is sure to come

    def see(self, node: nodes.Node, value: Value, *parts: Value) -> Value:
        if isinstance(node, nodes.Getattr | nodes.Getitem) and Mark.ROLE in value.marks:
            return _sure(self._role) if not value.texts else value
        if isinstance(node, nodes.Compare) and len(node.ops) == 1:
            return _compare(node.ops[0].op, *parts[:2])
        if isinstance(node, nodes.Test) and len(parts) == 2:
            return _compare(node.name, *parts)
        return value

    def body(self, statements: Iterable[nodes.Node]) -> Value:
        texts = []
        for node in statements:
            texts.append(self.visit(node))
            if self._left:
                break
        return concatenate(texts)

    def visit_Continue(self, _node: nodes.Continue) -> Value:
        self._left = True
        return EMPTY

    visit_Break = visit_Continue

    def visit_Output(self, node: nodes.Output) -> Value:
        text = super().visit_Output(node)
        self.shown = self.shown or bool(text.marks & _FROM_MESSAGES)
        return text

    def visit_Macro(self, node: nodes.Macro) -> Value:
        """What a macro writes is shown where it is called, if it is."""
        before = self.shown, self.refused
        text = super().visit_Macro(node)
        self.shown, self.refused = before
        return text

    def visit_Assign(self, node: nodes.Assign) -> Value:
        value = self.visit(node.node)
        if Mark.CONTENT in value.marks:
            self.kept.add(name_of(node.target))
        return super().visit_Assign(node)

    def visit_If(self, node: nodes.If) -> Value:
        around = self._decided, self._open
        text = self._choose(node)
        self._decided, self._open = around
        return text

    def _choose(self, node: nodes.If) -> Value:
        texts: list[Value] = []
        for branch in (node, *node.elif_):
            answer = _truth(self.visit(branch.test))
            if answer is False:
                self._decided += 1
            elif answer:
                self._decided += 1
                return either((*texts, self.body(branch.body)))
            else:
                self._open += 1
                texts.append(self.body(branch.body))
                self._left = False
        texts.append(self.body(node.else_))
        return either(texts)

    def visit_For(self, node: nodes.For) -> Value:
        text = super().visit_For(node)
        self._left = False
        return text

    def turn(self, node: nodes.For, over: Value) -> Value:
        after_the_first = Mark.REST in over.marks and Mark.MESSAGES not in over.marks
        if self._role == "system" and after_the_first:
            return EMPTY
        if node.test is not None and _truth(self.visit(node.test)) is False:
            return EMPTY
        return super().turn(node, over)

    def visit_CondExpr(self, node: nodes.CondExpr) -> Value:
        answer = _truth(self.visit(node.test))
        one = EMPTY if answer is False else self.visit(node.expr1)
        other = EMPTY if answer or node.expr2 is None else self.visit(node.expr2)
        return either((one, other)) if answer is None else one if answer else other

    def visit_And(self, node: nodes.And | nodes.Or) -> Value:
        left: Value = self.visit(node.left)
        right: Value = self.visit(node.right)
        final = isinstance(node, nodes.Or)  # the answer of one side that decides for both
        for one, other in ((left, right), (right, left)):
            answer = _truth(one)
            if answer is not None:
                return one if answer is final else other
        return either((left, right))

    visit_Or = visit_And

    def visit_Not(self, node: nodes.Not) -> Value:
        value = self.visit(node.node)
        answer = _truth(value)
        return Value(marks=value.marks) if answer is None else _sure(not answer)

    def visit_Call(self, node: nodes.Call) -> Value:
        certain = self._decided and not self._open and not self.shown
        if certain and name_of(node.node) == "raise_exception":
            self.refused = True
        return super().visit_Call(node)


def _sure(answer: str | bool) -> Value:
    """A value that follows from the role."""
    return Value(frozenset((answer,)), exact=True, marks=frozenset((Mark.ROLE,)))


def _truth(value: Value) -> bool | None:
    """Yes or no, where the role alone decides."""
    return None if Mark.ROLE not in value.marks or value.only is None else bool(value.only)


def _compare(operator: str, left: Value, right: Value) -> Value:
    marks = marks_of((left, right))
    if Mark.ROLE in marks and left.only is not None:
        if operator in ("eq", "ne", "==", "!=", "equalto") and right.only is not None:
            return _sure((left.only == right.only) is (operator not in ("ne", "!=")))
        if operator in ("in", "notin") and right.items:
            options = [item.only for item in right.items]
            if None not in options:
                return _sure((left.only in options) is (operator == "in"))
    return Value(marks=marks)
