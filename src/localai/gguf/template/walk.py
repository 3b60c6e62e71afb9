"""Walk through a parsed template, statement by statement.

One pass goes through every branch, whatever its condition; what a name can be is all that it is
ever set to. Three passes, so that what is set further down is known further up: in loops, and in
macros that are called before they are defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from jinja2 import nodes

from localai.gguf.template.expressions import Expressions
from localai.gguf.template.flaw import Flaw
from localai.gguf.template.folding import concatenate
from localai.gguf.template.value import EMPTY, Value, clamp, either, element, known

ANYTHING = Value(built=True)
PASSES = 3
MOST = 1_000_000  # characters or steps that a template may make by itself


class Rule(Protocol):
    """What looks at every expression, and at every loop, once its value is known."""

    def __call__(
        self, node: nodes.Node, value: Value, parts: Sequence[Value], /
    ) -> Iterable[Flaw]: ...


class Walker(Expressions):
    """Gives every statement the text that it writes as its value."""

    passes = PASSES

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        super().__init__()
        self.flaws: list[Flaw] = []
        self._rules = rules

    def walk(self, template: nodes.Template) -> Value:
        """The template's text, after the last pass."""
        for _ in range(self.passes):
            self.flaws.clear()
            result = self.body(template.body)
        return result

    def see(self, node: nodes.Node, value: Value, *parts: Value) -> Value:
        for rule in self._rules:
            self.flaws += rule(node, value, parts)
        return value if value.size <= MOST else value._replace(size=0)  # it has been said

    def body(self, statements: Iterable[nodes.Node]) -> Value:
        return concatenate([self.visit(node) for node in statements])

    def visit_Output(self, node: nodes.Output) -> Value:
        return self.body(node.nodes)

    def visit_TemplateData(self, node: nodes.TemplateData) -> Value:
        return known(node.data)

    def visit_If(self, node: nodes.If) -> Value:
        branches = [node, *node.elif_]
        texts = []
        for branch in branches:
            self.visit(branch.test)
            texts.append(self.body(branch.body))
        return either((*texts, self.body(node.else_)))

    def visit_For(self, node: nodes.For) -> Value:
        over = self.visit(node.iter)
        self.store(node.target, element(over))
        if node.recursive:  # and whatever the loop is called with
            self.store(node.target, ANYTHING)
        if node.test is not None:
            self.visit(node.test)
        once = self.turn(node, over)
        times = len(over.items) if over.items is not None else over.size
        size = clamp(max(1, times) * max(1, once.size)) if times > 1 else once.size
        last = self.body(node.else_)
        text = either((once, last, EMPTY))._replace(built=True, exact=False, size=size)
        return self.see(node, text, over)

    def turn(self, node: nodes.For, _over: Value) -> Value:
        """One turn of a loop."""
        return self.body(node.body)

    def visit_Assign(self, node: nodes.Assign) -> Value:
        value = self.visit(node.node)
        self.store(node.target, value)
        called = node.node
        if isinstance(called, nodes.Call) and isinstance(node.target, nodes.Name):
            name = self.scopes[-1] + node.target.name
            for pair in called.kwargs:  # namespace(key=...)
                self.bind(f"{name}.{pair.key}", self.visit(pair.value), pair)
        return EMPTY

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> Value:
        value = self.body(node.body)
        if node.filter is not None:
            value = self.filtered(node.filter, value)
        self.store(node.target, value)
        return EMPTY

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> Value:
        return self.filtered(node.filter, self.body(node.body))

    def filtered(self, node: nodes.Filter, value: Value) -> Value:
        """The value through one filter or more that were written without one."""
        if isinstance(node.node, nodes.Filter):
            value = self.filtered(node.node, value)
        return self.apply_filter(node, value)

    def visit_With(self, node: nodes.With) -> Value:
        for target, given in zip(node.targets, node.values, strict=True):
            self.store(target, self.visit(given))
        return self.body(node.body)

    def visit_Macro(self, node: nodes.Macro) -> Value:
        scope = f"{node.name}:"
        self.parameters[node.name] = [parameter.name for parameter in node.args]
        self.scopes.append(scope)
        for parameter, default in zip(reversed(node.args), reversed(node.defaults), strict=False):
            self.bind(scope + parameter.name, self.visit(default), default)
        self.names[f"{node.name}()"] = self.see(node, self.body(node.body))
        self.scopes.pop()
        return EMPTY

    def visit_CallBlock(self, node: nodes.CallBlock) -> Value:
        for parameter in node.args:  # whatever ``caller`` is called with
            self.store(parameter, ANYTHING)
        return concatenate((self.visit(node.call), self.body(node.body)))
