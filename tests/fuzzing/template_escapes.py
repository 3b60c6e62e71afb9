"""The look at a chat template, with templates that reach for what they must not.

The input decides on a template, which Jinja's sandbox then really renders. Where the sandbox was
asked for an attribute with an underscore, the look must have found something: what it misses is a
way around it, and the sandbox is then the only thing that stands.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator
from typing import Any

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fuzzing import template
from fuzzing.gguf_built import Decisions
from fuzzing.judge import Broken
from localai.dialect import make_environment
from localai.findings import Verdict
from localai.gguf.template.reach import COMPUTED, PYTHON

MODULES = template.MODULES
LONGEST = 64
WORDS = ()
prepare = template.prepare
BROKEN = (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError)
BROKEN += (SyntaxError, TypeError, ValueError)  # what a template may raise; not what is asked
TOLD = (PYTHON, COMPUTED)
NAMES = ("__class__", "__init__", "__mro__")
MOST = 10  # steps in which a name is hidden


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
    findings = template.inspect(source)
    told = any(finding.verdict is Verdict.FAIL or finding.summary in TOLD for finding in findings)
    if not told and (reached := render(source)):
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
    """The template that ``data`` decides on: a name, hidden, and a way to ask for it."""
    choose = Decisions(data)
    hiding = _Hiding(choose)
    name = hiding.hide(NAMES[choose.below(len(NAMES))])
    use = USES[choose.below(len(USES))].replace("NAME", name)
    wrap = WRAPS[choose.below(len(WRAPS))]
    return "".join(hiding.before) + wrap.replace("USE", use)


USES = (
    "''[NAME]",
    "(messages[0].content)[NAME]",
    "messages[0][NAME]",
    "''|attr(NAME)",
    "['']|map(attribute=NAME)|list",
    "['']|map('attr', NAME)|list",
    "['']|map(*['attr', NAME])|list",
    "['']|map(**{'attribute': NAME})|list",
    "['']|selectattr(NAME)|list",
    "['']|rejectattr(NAME, 'none')|list",
    "['']|groupby(NAME)",
    "['']|groupby(attribute=NAME)",
    "['', '']|sort(attribute=NAME)",
    "['', '']|unique(attribute=NAME)|list",
    "['', '']|min(attribute=NAME)",
    "['', '']|join('', NAME)",
    "['', '']|sum(NAME, [])",
    "[['']]|map(attribute='0.' ~ NAME)|list",
    "('{0.' ~ NAME ~ '}').format('')",
    "('{0[0].' ~ NAME ~ '}').format([''])",
    "('{a.' ~ NAME ~ '}').format(a='')",
    "('{a.' ~ NAME ~ '}').format_map({'a': ''})",
    "('{0.' ~ NAME ~ '}')['format']('')",
    "('{0.' ~ NAME ~ '}')|attr('format')('')",
    "['{0.' ~ NAME ~ '}']|map('format', '')|list",
    "(''|e ~ '{0.' ~ NAME ~ '}').format('')",
    "{'a': ''}.values()|list|map(attribute=NAME)|list",
    "namespace(a='').a[NAME]",
    "(x if x else '')[NAME]",
)
WRAPS = (
    "{{ USE }}",
    "{% set z = USE %}{{ z }}",
    "{% if USE %}a{% endif %}",
    "{% for z in [USE] %}{{ z }}{% endfor %}",
    "{% macro u() %}{{ USE }}{% endmacro %}{{ u() }}",
    "{% with z = USE %}{{ z }}{% endwith %}",
    "{% for z in messages if USE %}a{% endfor %}",
    "{% set ns = namespace() %}{% set ns.a = USE %}{{ ns.a }}",
    "{% call(z) k(USE) %}{% endcall %}{% macro k(a) %}{% endmacro %}",
    "{{ {'a': USE} }}",
    "{{ [USE][0] if true else '' }}",
)


class _Hiding:
    """Ways to write a text so that it does not stand there."""

    def __init__(self, choose: Decisions) -> None:
        self.choose = choose
        self.before: list[str] = []  # statements that come first
        self.steps = 0

    def hide(self, text: str) -> str:
        """An expression that comes to ``text``."""
        self.steps += 1
        if self.steps > MOST or not text:
            return self._plain(text)
        ways = (
            self._joined, self._joined, self._turned, self._replaced, self._repeated, self._cut,
            self._changed, self._put_away, self._spoken, self._plain,
        )  # fmt: skip
        return ways[self.choose.below(len(ways))](text)

    def _plain(self, text: str) -> str:
        shapes = (
            repr(text),
            "'" + "".join(f"\\x{ord(char):02x}" for char in text) + "'",
            "('" + "%c" * len(text) + f"' % ({', '.join(str(ord(char)) for char in text)},))",
        )
        if len(text) < 2 or self.steps > MOST:
            return shapes[self.choose.below(3)]
        if self.choose.below(2) and self.steps < MOST:
            return self._joined(text)
        return shapes[self.choose.below(3)]

    def _joined(self, text: str) -> str:
        middle = 1 + self.choose.below(max(1, len(text) - 1))
        one, two = self.hide(text[:middle]), self.hide(text[middle:])
        shapes = (
            f"({one} ~ {two})",
            f"({one} + {two})",
            f"([{one}, {two}]|join)",
            f"''.join([{one}, {two}])",
            f"('%s%s' % ({one}, {two}))",
            f"('%s%s'|format({one}, {two}))",
            f"'{{}}{{}}'.format({one}, {two})",
            f"'{{1}}{{0}}'.format({two}, {one})",
            f"'{{a}}{{b}}'.format(a={one}, b={two})",
            f"([[{one}], [{two}]]|sum(start=[])|join)",
            f"([{one}] + [{two}])|join('')",
            f"({{'a': {one}, 'b': {two}}}.values()|join)",
            f"([{one}, {two}]|map('string')|join)",
            f"({one}|string ~ {two}|trim)",
            f"({one} ~ '{{}}').format({two})",
            f"({one} ~ '%s') % {two}",
        )
        return f"({shapes[self.choose.below(len(shapes))]})"

    def _turned(self, text: str) -> str:
        turned = self.hide(text[::-1])
        shapes = (
            f"({turned})[::-1]",
            f"({turned}|reverse)",
            f"({turned}|list|reverse|join)",
            f"({turned}|batch(1)|map('first')|list)[::-1]|join",
        )
        return f"({shapes[self.choose.below(len(shapes))]})"

    def _replaced(self, text: str) -> str:
        mark = "-#"[self.choose.below(2)]
        other, line = self.hide(text.replace("_", mark)), self.hide("_")
        shapes = (
            f"({other}).replace('{mark}', {line})",
            f"({other}|replace('{mark}', {line}))",
            f"({other}).split('{mark}')|join({line})",
            f"({line}).join(({other}).split('{mark}'))",
        )
        return f"({shapes[self.choose.below(len(shapes))]})"

    def _repeated(self, text: str) -> str:
        if not text.startswith("__"):
            return self._changed(text)
        line, rest = self.hide("_"), self.hide(text[2:])
        shapes = (
            f"({line} * 2)",
            f"('' ~ {line}).center(1).ljust(2, '_')",
            f"''.rjust(2, {line})",
            f"([{line}] * 2)|join",
            f"(2 * {line})",
            f"({line} ~ {line})",
        )
        return f"({shapes[self.choose.below(len(shapes))]} ~ {rest})"

    def _cut(self, text: str) -> str:
        shapes = (
            f"({self.hide('x' + text)})[1:]",
            f"({self.hide(text + 'x')})[:-1]",
            f"({self.hide(' ' + text + ' ')}|trim)",
            f"({self.hide(' ' + text)}).strip()",
            f"({self.hide(text + ' ')}).rstrip()",
            f"({self.hide('x,' + text)}).split(',')[1]",
            f"({self.hide(text + ',x')}).split(',')|first",
            f"({self.hide('x' + text)}).removeprefix('x')",
            f"({self.hide(text + '=x')}).partition('=')[0]",
            f"({self.hide(text + 'x')}|truncate({len(text)}, true, '', 0))",
            f"({self.hide(text)}|tojson)[1:-1]",
            f"({self.hide('<b>' + text)}|striptags)",
        )
        return f"({shapes[self.choose.below(len(shapes))]})"

    def _changed(self, text: str) -> str:
        if text.lower() == text:
            upper = self.hide(text.upper())
            shapes = (f"({upper}|lower)", f"({upper}).lower()", f"({upper}).swapcase()")
            return f"({shapes[self.choose.below(len(shapes))]}|string)"
        return self._cut(text)

    def _put_away(self, text: str) -> str:
        """In a variable, a list, a table, a default."""
        hidden = self.hide(text)
        place = f"v{len(self.before)}"
        shapes = (
            (f"{{% set {place} = {hidden} %}}", place),
            (f"{{% set {place} %}}{{{{ {hidden} }}}}{{% endset %}}", place),
            (f"{{% set {place} = namespace(a={hidden}) %}}", f"{place}.a"),
            (f"{{% set {place}, w = {hidden}, 1 %}}", place),
            (f"{{% macro {place}() %}}{{{{ {hidden} }}}}{{% endmacro %}}", f"({place}()|string)"),
            (f"{{% macro {place}(a={hidden}) %}}{{{{ a }}}}{{% endmacro %}}", f"{place}()"),
            (f"{{% macro {place}(a) %}}{{{{ a }}}}{{% endmacro %}}", f"{place}({hidden})"),
            ("", f"[{hidden}][0]"),
            ("", f"{{'k': {hidden}}}['k']"),
            ("", f"{{'k': {hidden}}}.k"),
            ("", f"(none|default({hidden}, true))"),
            ("", f"({hidden} if true else 'a')"),
            ("", f"('' or {hidden})"),
            ("", f"([{hidden}]|first)"),
            ("", f"([1, {hidden}]|last)"),
            ("", f"([{hidden}]|map('string')|list)[0]"),
            ("", f"dict(k={hidden})['k']"),
            ("", f"({{'k': {hidden}}}|items|list)[0][1]"),
            ("", f"{{'k': {hidden}}}.get('k')"),
        )
        statement, expression = shapes[self.choose.below(len(shapes))]
        if statement:
            self.before.append(statement)
        return f"({expression})"

    def _spoken(self, text: str) -> str:
        """As text of the template itself, which no expression holds."""
        place = f"v{len(self.before)}"
        middle = self.choose.below(len(text) + 1)
        shapes = (
            f"{{% set {place} %}}{text}{{% endset %}}",
            f"{{% set {place} %}}{text[:middle]}{{% if true %}}{text[middle:]}{{% endif %}}"
            "{% endset %}",
            f"{{% macro {place}() %}}{text}{{% endmacro %}}",
            f"{{% set {place} %}}{{% for a in {list(text)} %}}{{{{ a }}}}{{% endfor %}}"
            "{% endset %}",
            f"{{% set {place} = namespace(a='') %}}{{% for a in {list(text)} %}}"
            f"{{% set {place}.a = {place}.a ~ a %}}{{% endfor %}}",
            f"{{% set {place} %}}{{% filter lower %}}{text.upper()}{{% endfilter %}}{{% endset %}}",
        )
        number = self.choose.below(len(shapes))
        self.before.append(shapes[number])
        return f"{place}{('', '', '()', '', '.a', '')[number]}"


def seeds() -> Iterator[bytes]:
    """Random decisions."""
    source = random.Random(1)
    yield b""
    for length in (4, 8, 16, 16, 32, 32, 64, 64):
        yield source.randbytes(length)
