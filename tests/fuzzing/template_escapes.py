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
from fuzzing.hiding import Hiding
from fuzzing.judge import Broken
from localai.dialect import make_environment
from localai.findings import Verdict
from localai.gguf.template.reach import COMPUTED, PYTHON

MODULES = template.MODULES
LONGEST = 64
WORDS = ()
prepare = template.prepare
BROKEN = (  # what a template may raise; not what is asked
    *(TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError),
    *(SyntaxError, TypeError, ValueError),
)
TOLD = (PYTHON, COMPUTED)
NAMES = ("__class__", "__init__", "__mro__")


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
    check(build(data))


def check(source: str) -> None:
    """What is reached must have been told."""
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
    hiding = Hiding(choose)
    name = hiding.hide(NAMES[choose.below(len(NAMES))])
    if choose.below(4) == 3:
        return "".join(hiding.before) + WHOLE[choose.below(len(WHOLE))].replace("NAME", name)
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
WHOLE = (  # where the name comes by another way to where it is used
    "{% for k in [NAME] %}{{ ''[k] }}{% endfor %}",
    "{% for k in (NAME).split(',') %}{{ ''[k] }}{% endfor %}",
    "{% for k, v in {NAME: 1}.items() %}{{ ''[k] }}{% endfor %}",
    "{% for k in {NAME: 1} %}{{ ''[k] }}{% endfor %}",
    "{% for k in [[NAME]] %}{% for l in k %}{{ ''[l] }}{% endfor %}{% endfor %}",
    "{% for k in [[NAME, 1]] %}{{ ''[k[0]] }}{% endfor %}",
    "{% for k, l in [[NAME, 1]] %}{{ ''[k] }}{% endfor %}",
    "{% for k, l in [NAME]|groupby(0) %}{{ ''[l[0]] }}{% endfor %}",
    "{% set k = [NAME] %}{{ ''[k.pop()] }}",
    "{% set k = [NAME] %}{{ ''[k|random] }}",
    "{% set k, l = NAME, 1 %}{{ ''[k] }}",
    "{% set (k, l), m = [NAME, 1], 1 %}{{ ''[k] }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{{ g(NAME) }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{{ g(k=NAME) }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{{ g(*[NAME]) }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{{ g(**{'k': NAME}) }}",
    "{% macro g(k=NAME) %}{{ ''[k] }}{% endmacro %}{{ g() }}",
    "{% macro g() %}{{ ''[varargs[0]] }}{% endmacro %}{{ g(NAME) }}",
    "{% macro g() %}{{ ''[kwargs['k']] }}{% endmacro %}{{ g(k=NAME) }}",
    "{% macro g() %}{% for k in varargs %}{{ ''[k] }}{% endfor %}{% endmacro %}{{ g(NAME) }}",
    "{% macro g() %}{% for k in kwargs %}{{ ''[kwargs[k]] }}{% endfor %}{% endmacro %}"
    "{{ g(k=NAME) }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{% set h = g %}{{ h(NAME) }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{% set h = [g] %}{{ h[0](NAME) }}",
    "{% macro g(k) %}{{ ''[k] }}{% endmacro %}{% set n = namespace(g=g) %}{{ n.g(NAME) }}",
    "{% macro g() %}{{ caller(NAME) }}{% endmacro %}{% call(k) g() %}{{ ''[k] }}{% endcall %}",
    "{% macro g(k) %}{{ caller(k) }}{% endmacro %}{% call(k) g(NAME) %}{{ ''[k] }}{% endcall %}",
    "{% set n = namespace() %}{% set n.k = NAME %}{{ ''[n.k] }}",
    "{% set n = namespace() %}{% set n.k = NAME %}{{ ''[n['k']] }}",
    "{% set n = namespace() %}{% set m = n %}{% set m.k = NAME %}{{ ''[n.k] }}",
    "{% set n = namespace(k='a') %}{% for i in [1, 2] %}{{ ''[n.k] }}{% set n.k = NAME %}"
    "{% endfor %}",
    "{% set n = {'k': NAME} %}{{ ''[n.k] }}",
    "{% set n = {'k': [NAME]} %}{{ ''[n.k[0]] }}",
    "{% set n = {'a': {'k': NAME}} %}{{ ''[n.a.k] }}",
    "{% set n = {'a': {'k': NAME}} %}{{ ''[n['a'].get('k')] }}",
    "{% set n = cycler(NAME) %}{{ ''[n.current] }}",
    "{% set n = joiner(NAME) %}{{ n() }}{{ ''[n()] }}",
    "{% set f = '{0.' ~ NAME ~ '}' %}{{ f.format('') }}",
    "{% set f %}{0.{{ NAME }}}{% endset %}{{ f.format('') }}",
    "{% set f %}{0.{{ NAME }}}{% endset %}{{ (f|string).format('') }}",
    "{% macro f() %}{0.{{ NAME }}}{% endmacro %}{{ f().format('') }}",
    "{% set f = ('{0.' ~ NAME ~ '}').format %}{{ f('') }}",
    "{% set f = ['{0.' ~ NAME ~ '}'] %}{{ f[0].format('') }}",
    "{% set f = ['{0.' ~ NAME ~ '}'] %}{% for g in f %}{{ g.format('') }}{% endfor %}",
    "{% set f = '{0.X}'.replace('X', NAME) %}{{ f.format('') }}",
    "{{ ('{0' ~ '.' ~ NAME ~ '}').format('') }}",
    "{{ ('{a[0].' ~ NAME ~ '}').format(a=['']) }}",
    "{% filter replace('a', NAME) %}a{% endfilter %}{{ ''[NAME] }}",
    "{% with k = NAME %}{{ ''[k] }}{% endwith %}",
    "{% with k = NAME, l = 1 %}{% with m = k %}{{ ''[m] }}{% endwith %}{% endwith %}",
    "{% for m in messages %}{% set k = NAME %}{{ m[k] }}{% endfor %}",
    "{% for m in messages %}{% for k in m %}{{ m[NAME] }}{% endfor %}{% endfor %}",
    "{% for k in [NAME] recursive %}{{ ''[k] }}{% endfor %}",
    "{% for k in [[NAME]] recursive %}{% if k is string %}{{ ''[k] }}{% else %}{{ loop(k) }}"
    "{% endif %}{% endfor %}",
    "{% for k in [1, NAME] %}{% if loop.previtem %}{{ ''[k] }}{% endif %}{% endfor %}",
    "{% for k in [NAME, 1] %}{{ ''[loop.previtem or 'a'] }}{% endfor %}",
    "{% for k in [1] %}{{ ''[loop.cycle(NAME)] }}{% endfor %}",
    "{% if x is defined %}{% set k = 'a' %}{% else %}{% set k = NAME %}{% endif %}{{ ''[k] }}",
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


def seeds() -> Iterator[bytes]:
    """Random decisions."""
    source = random.Random(1)
    yield b""
    for length in (4, 8, 16, 16, 32, 32, 64, 64):
        yield source.randbytes(length)
