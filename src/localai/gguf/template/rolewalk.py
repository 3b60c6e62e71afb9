"""Walk through a template as if every message were of one role.

A condition on the role is then decided, and what stands behind the other answer is not gone
through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from jinja2 import nodes

from localai.gguf.template.expressions import name_of
from localai.gguf.template.flaw import note
from localai.gguf.template.folding import concatenate
from localai.gguf.template.value import EMPTY, UNKNOWN, Known, Mark, Value, either, marks_of
from localai.gguf.template.walk import Walker

ADDED = "the chat template adds words to the conversation"

_BY_ROLE = frozenset((Mark.ROLE,))
_FIRST: Mapping[str, int] = {"loop.first": True, "loop.index0": 0, "loop.index": 1}
_FROM_MESSAGES = {Mark.CONTENT, Mark.MESSAGES}
_PROMPT = "add_generation_prompt"  # true where the model is to speak next
# A sentence, not the marks and headings between which models set their turns.
_PROSE = re.compile(
    r"(?<![^\W\d_])(?:[^\W\d_]{1,20}[ ,.'\u2019_-]{1,3}){4,40}[^\W\d_]{1,20}"
    r"|[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]{12,200}"  # scripts that need no spaces
)


class RoleWalker(Walker):
    """Says what became of the messages: ``shown``, ``refused``, ``kept`` in names; and what prose
    the template has added to them (``flaws``)."""

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
        self._turns = 0  # loops over the messages, and places where the model is to speak next

    def see(self, node: nodes.Node, value: Value, *parts: Value) -> Value:
        if isinstance(node, nodes.Getattr | nodes.Getitem) and Mark.ROLE in value.marks:
            return value if value.texts else _sure(self._role, value.marks)
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
        if self._turns:
            written = [text for one in node.nodes for text in self._literals(one)]
            # Sentences are also put together from pieces, with nothing between them.
            written.append("".join(map(_written, node.nodes)))
            every = dict.fromkeys((*written, *text.strings))
            found = [prose for one in every for prose in _PROSE.findall(one)]
            self.flaws += [note(ADDED, node.lineno, prose) for prose in found]
        return text

    def _literals(self, node: nodes.Node) -> Iterator[str]:
        """The texts in what is written out, but for what is said to whoever made the messages."""
        if isinstance(node, nodes.Call) and name_of(node.node) == "raise_exception":
            return
        if isinstance(node, nodes.TemplateData):
            yield node.data
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, nodes.Name) and (value := self.look_up(node.name)):
            yield from value.strings
        for child in node.iter_child_nodes():
            yield from self._literals(child)

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
        around = self._decided, self._open, self._turns
        self._turns += _PROMPT in {
            name_of(name) for name in (node.test, *node.test.find_all(nodes.Name))
        }
        text = self._choose(node)
        self._decided, self._open, self._turns = around
        return text

    def _choose(self, node: nodes.If) -> Value:
        texts: list[Value] = []
        for branch in (node, *node.elif_):
            answer = self._answer(branch.test)
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

    def _answer(self, test: nodes.Node) -> bool | None:
        """Yes or no, where the role decides, or nothing has to be known."""
        value: Value = self.visit(test)
        fixed = not isinstance(test, nodes.Name) and next(test.find_all(nodes.Name), None) is None
        return bool(value.only) if fixed and value.only is not None else _truth(value)

    def visit_For(self, node: nodes.For) -> Value:
        text = super().visit_For(node)
        self._left = False
        return text

    def turn(self, node: nodes.For, over: Value) -> Value:
        after_the_first = Mark.REST in over.marks and Mark.MESSAGES not in over.marks
        if self._role == "system" and after_the_first:
            return EMPTY
        if Mark.OTHERS in over.marks and Mark.MESSAGES not in over.marks:
            return EMPTY
        if node.test is not None and self._answer(node.test) is False:
            return EMPTY
        conversation = bool(over.marks & {Mark.MESSAGES, Mark.REST})
        outer = {name: self.names.pop(name) for name in _FIRST if name in self.names}
        if self._role == "system" and Mark.MESSAGES in over.marks:  # it is the first, if it is one
            self.names |= {name: _sure(said, _BY_ROLE) for name, said in _FIRST.items()}
        self._turns += conversation
        text = super().turn(node, over)
        self._turns -= conversation
        for name in _FIRST:
            self.names.pop(name, None)
        self.names |= outer
        return text

    def member(self, node: nodes.Getattr | nodes.Getitem, value: Value, name: str) -> Value:
        """What a system message says is not what the last message says."""
        last = isinstance(node.node, nodes.Getitem) and name_of(node.node.node) == "messages"
        if last and self._role == "system" and self._is_last(node.node):
            return UNKNOWN
        return super().member(node, value, name)

    def _is_last(self, node: nodes.Expr) -> bool:
        return isinstance(node, nodes.Getitem) and self.visit(node.arg).only == -1

    def sliced(self, value: Value, node: nodes.Slice) -> Value:
        """A part that is cut off at a fixed length is not what was said."""
        part = super().sliced(value, node)
        end = None if node.stop is None else self.visit(node.stop).only
        return _without_content(part) if isinstance(end, int) and end >= 0 else part

    def visit_BinExpr(self, node: nodes.BinExpr) -> Value:
        value = super().visit_BinExpr(node)
        none = isinstance(node, nodes.Mul) and self.visit(node.right).only == 0
        return _without_content(value) if none else value

    visit_Mul = visit_BinExpr

    def apply_filter(self, node: nodes.Filter, value: Value) -> Value:
        result = super().apply_filter(node, value)
        if node.name in ("selectattr", "rejectattr"):
            return self._select(node, result)
        replaced = self.arguments(node)[:1] if node.name == "replace" else ()
        emptied = any(Mark.CONTENT in one.marks for one in replaced)
        return _without_content(result) if node.name == "truncate" or emptied else result

    def _select(self, node: nodes.Filter, value: Value) -> Value:
        """Messages by their role: those of this one are among them, or not."""
        given: Sequence[Value] = self.arguments(node)
        if Mark.MESSAGES not in value.marks or len(given) < 3 or given[0].only != "role":
            return value
        answer = _compare(str(given[1].only), _sure(self._role, _BY_ROLE), given[2]).only
        if answer is None or bool(answer) is (node.name == "selectattr"):
            return value
        return value._replace(marks=value.marks - {Mark.MESSAGES} | {Mark.OTHERS})

    def visit_CondExpr(self, node: nodes.CondExpr) -> Value:
        answer = self._answer(node.test)
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
                return one if answer is final else other._replace(marks=marks_of((one, other)))
        # Of "what was said and that" the latter comes out, or what is as good as nothing.
        return either((left, right)) if final else either((EMPTY, right))

    visit_Or = visit_And

    def visit_Not(self, node: nodes.Not) -> Value:
        value = self.visit(node.node)
        answer = value.only
        return Value(marks=value.marks) if answer is None else _sure(not answer, value.marks)

    def visit_Call(self, node: nodes.Call) -> Value:
        certain = self._decided and not self._open and not self.shown
        if certain and name_of(node.node) == "raise_exception":
            self.refused = True
        return super().visit_Call(node)


def _written(node: nodes.Node) -> str:
    """The text that this puts out; a line end where it is not known, which no sentence crosses."""
    text = node.data if isinstance(node, nodes.TemplateData) else getattr(node, "value", "\n")
    return text if isinstance(text, str) else "\n"


def _without_content(value: Value) -> Value:
    return value._replace(marks=value.marks - _FROM_MESSAGES)


def _sure(answer: Known, marks: frozenset[Mark]) -> Value:
    """A value that is known for sure; with ``Mark.ROLE``, from the role."""
    return Value(frozenset((answer,)), exact=True, marks=marks)


def _truth(value: Value) -> bool | None:
    """Yes or no, where the role alone decides."""
    return None if Mark.ROLE not in value.marks or value.only is None else bool(value.only)


_ANSWERS: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("eq", "==", "equalto"), eq),
    **dict.fromkeys(("ne", "!="), ne),
    **dict.fromkeys(("lt", "<", "lessthan"), lt),
    **dict.fromkeys(("gt", ">", "greaterthan"), gt),
    **dict.fromkeys(("lteq", "le", "<="), le),
    **dict.fromkeys(("gteq", "ge", ">="), ge),
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}


def _compare(operator: str, left: Value, right: Value) -> Value:
    marks = marks_of((left, right))
    options = [item.only for item in right.items or ()]
    other = options if options and None not in options else right.only
    if left.only is None or other is None or operator not in _ANSWERS:
        return Value(marks=marks)
    try:
        return _sure(bool(_ANSWERS[operator](left.only, other)), marks)
    except TypeError:  # a number is held against a text
        return Value(marks=marks)
