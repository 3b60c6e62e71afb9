"""The look at a chat template, with templates that reach for what they must not.

The input decides on a template, which Jinja's sandbox then really renders. Where the sandbox was
asked for an attribute with an underscore, the look must have found something: what it misses is a
way around it, and the sandbox is then the only thing that stands.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fuzzing import template
from fuzzing.gguf_built import Decisions
from fuzzing.judge import Broken
from localai.dialect import make_environment
from localai.findings import Verdict

MODULES = template.MODULES
LONGEST = 64
WORDS = ()
prepare = template.prepare
BROKEN = (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError)
BROKEN += (SyntaxError, TypeError, ValueError)  # what a template may raise; not what is asked
DEPTH = 5
ROOTS = ("''", "[]", "{}", "1", "x", "messages", "messages[0]", "self", "cycler", "namespace")
ROOTS += ("joiner", "range", "dict", "none", "messages[0].content", "y", "(1, 2)", "m")
PIECES = ("'__class__'", "'__cl'", "'ass__'", "'_'", "'class'", "'__ssalc__'", "'%s%s'", "'a'")
PIECES += ("'\\x5f\\x5fclass\\x5f\\x5f'", "'{0.__class__}'", "'{}'", "'__init__.__globals__'", "1")
PIECES += ("'__mro__'", "'CLASS'", "'__CLASS__'", "'_-class-_'", "'__class__ '", "x", "y", "2")
PLAIN_FILTERS = ("upper", "lower", "trim", "reverse", "join", "first", "last", "list", "string")
PLAIN_FILTERS += ("tojson", "capitalize", "length", "safe", "e", "unique", "sort", "items")
ARGUED_FILTERS = ("attr", "map", "default", "format", "join", "replace", "groupby", "batch")
ARGUED_FILTERS += ("selectattr", "rejectattr", "sum", "sort", "min", "max", "unique", "dictsort")


class Watched(ImmutableSandboxedEnvironment):
    """The sandbox, writing down which attributes with an underscore it was asked for."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.reached: list[str] = []

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if attr.startswith("_"):
            self.reached.append(attr)
        return super().is_safe_attribute(obj, attr, value)


def run(data: bytes) -> None:
    source = build(data)
    quiet = all(finding.verdict is Verdict.PASS for finding in template.inspect(source))
    if quiet and (reached := render(source)):
        raise Broken(f"nothing was found in {source!r}, which reaches for {reached[0]}")


def render(source: str) -> list[str]:
    """The attributes with an underscore that the sandbox was asked for."""
    environment = make_environment(Watched)
    names = {"messages": [{"role": "user", "content": "text"}], "bos_token": "<s>"}
    with warnings.catch_warnings(), contextlib.suppress(*BROKEN):
        warnings.simplefilter("ignore")  # a subscript of a number, and the like
        environment.from_string(source).render(**names)
    return environment.reached


def build(data: bytes) -> str:
    """The template that ``data`` decides on."""
    choose = Decisions(data)
    parts = [
        f"{{% set x = {_expression(choose, 1)} %}}" if choose.below(2) else "",
        f"{{% set y = {_expression(choose, 2)} %}}" if choose.below(2) else "",
    ]
    expression = _expression(choose, 0)
    shapes = (
        f"{{{{ {expression} }}}}",
        f"{{% for m in {expression} %}}{{{{ {_expression(choose, 2)} }}}}{{% endfor %}}",
        f"{{% if {expression} %}}a{{% endif %}}",
        f"{{% macro m(a, b={expression}) %}}{{{{ a{_walk(choose, 2)} }}}}{{% endmacro %}}"
        f"{{{{ m({_expression(choose, 2)}) }}}}",
        f"{{% filter {_filter(choose, 2)} %}}text{{% endfilter %}}",
        f"{{% with m = {expression} %}}{{{{ m{_walk(choose, 2)} }}}}{{% endwith %}}",
        f"{{% set x.{_name(choose)} = {expression} %}}{{{{ x }}}}",
    )
    return "".join(parts) + shapes[choose.below(len(shapes))]


def _expression(choose: Decisions, depth: int) -> str:
    if depth >= DEPTH:
        return (*ROOTS, *PIECES)[choose.below(len(ROOTS) + len(PIECES))]
    deeper = depth + 1
    shapes: tuple[Callable[[], str], ...] = (
        lambda: ROOTS[choose.below(len(ROOTS))] + _walk(choose, deeper),
        lambda: ROOTS[choose.below(len(ROOTS))] + _walk(choose, deeper),
        lambda: PIECES[choose.below(len(PIECES))],
        lambda: PIECES[choose.below(len(PIECES))],
        lambda: f"({_expression(choose, deeper)} ~ {_expression(choose, deeper)})",
        lambda: f"({_expression(choose, deeper)} + {_expression(choose, deeper)})",
        lambda: f"({_expression(choose, deeper)} % {_expression(choose, deeper)})",
        lambda: f"({_expression(choose, deeper)} * {choose.below(4)})",
        lambda: f"[{_expression(choose, deeper)}, {_expression(choose, deeper)}]",
        lambda: f"({_expression(choose, deeper)}){_walk(choose, deeper)}",
        lambda: f"({_expression(choose, deeper)} if x else {_expression(choose, deeper)})",
        lambda: f"({_expression(choose, deeper)})|{_filter(choose, deeper)}",
        lambda: f"({_expression(choose, deeper)})|{_filter(choose, deeper)}",
    )
    return shapes[choose.below(len(shapes))]()


def _walk(choose: Decisions, depth: int) -> str:
    """What may follow an expression: attributes, subscripts, calls."""
    shapes: tuple[Callable[[], str], ...] = (
        lambda: "",
        lambda: f".{_name(choose)}",
        lambda: f"[{_expression(choose, depth)}]",
        lambda: f"[{_expression(choose, depth)}]",
        lambda: f"|{_filter(choose, depth)}",
        lambda: f".format({_expression(choose, depth)})",
        lambda: f".join({_expression(choose, depth)})",
        lambda: f".replace('-', {_expression(choose, depth)})",
        lambda: f".{('lower', 'upper', 'strip', 'title', 'items', 'keys')[choose.below(6)]}()",
        lambda: ("[::-1]", "[1:]", "[:-1]", "[0]")[choose.below(4)],
        lambda: f".format_map({{'a': {_expression(choose, depth)}}})",
        lambda: f".get({_expression(choose, depth)})",
    )
    return shapes[choose.below(len(shapes))]()


def _name(choose: Decisions) -> str:
    names = ("role", "content", "a", "format", "next", "x", "__class__", "items", "keys", "m")
    return names[choose.below(len(names))]


def _filter(choose: Decisions, depth: int) -> str:
    if choose.below(2):
        return PLAIN_FILTERS[choose.below(len(PLAIN_FILTERS))]
    name = ARGUED_FILTERS[choose.below(len(ARGUED_FILTERS))]
    word = ("", "", "attribute=", "'attr', ", "'map', attribute=", "'format', ")[choose.below(6)]
    return f"{name}({word}{_expression(choose, depth)})"


def seeds() -> Iterator[bytes]:
    """Random decisions."""
    source = random.Random(1)
    yield b""
    for length in (4, 8, 16, 16, 32, 32, 64, 64):
        yield source.randbytes(length)
