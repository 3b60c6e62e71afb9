"""Ways in Jinja to write a text so that it does not stand there. No target by itself."""

from __future__ import annotations

from fuzzing.gguf_built import Decisions

MOST = 10  # steps


class Hiding:
    """Expressions that come to a text, each put together from some of the ways."""

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
            f"'{{}}{{}}'.format(*[{one}, {two}])",
            f"'{{a}}{{b}}'.format(**{{'a': {one}, 'b': {two}}})",
            f"('%(a)s%(b)s' % {{'a': {one}, 'b': {two}}})",
            f"('%(a)s%(b)s'|format(a={one}, b={two}))",
            f"([{one}, {two}]|batch(2)|first|join)",
            f"([{one}, {two}]|slice(1)|first|join)",
            f"([{one}, {two}]|select|join)",
            f"([[{one}, {two}]]|map('join')|first)",
            f"([{one}, {two}]|tojson|replace('\", \"', ''))[2:-2]",
            f"(dict(a={one}, b={two}).values()|join)",
            f"([{one}, {two}]|pprint)[2:-2]|replace(\"', '\", '')",
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
            f"([{other}]|map('replace', '{mark}', {line})|first)",
            f"([{other}]|map('replace', '{mark}', {line})|join)",
            f"([{other}|list]|first|map('replace', '{mark}', {line})|join)",
            f"({other}).translate({{{ord(mark)}: {line}}})",
            f"({other}).encode().decode().replace('{mark}', {line})",
            f"({other}).split('{mark}')|map('default', '', true)|join({line})",
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
            f"({self.hide(text)}|list|slice(1)|first|join)",
            f"({self.hide(text)}|list|batch(50)|first|join)",
            f"({self.hide(text)}|urlencode)",
            f"({self.hide(text)}|wordwrap(80))",
            f"({self.hide(text)}|e|string)",
            f"({self.hide(text)}).splitlines()[0]",
            f"({self.hide('a ' + text)}).split()[-1]",
            f"({self.hide('a-' + text)}).rpartition('-')|last",
            f"[{self.hide(text)}, 1].pop(0)",
            f"({self.hide(text)}|select|join)",
            f"({self.hide(text)}|map('string')|join)",
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
            ("", f"cycler({hidden}).next()"),
            ("", f"cycler(1, {hidden}).items[1]"),
            ("", f"namespace(a={hidden})['a']"),
            ("", f"namespace({{'a': {hidden}}}).a"),
            ("", f"namespace(**{{'a': {hidden}}}).a"),
            ("", f"({{'k': {hidden}}}|dictsort|first|last)"),
            ("", f"([{hidden}]|sort|first)"),
            ("", f"([{hidden}, {hidden}]|unique|first)"),
            ("", f"([{hidden}]|min)"),
            ("", f"([[1, {hidden}]]|groupby(0)|first)[1][0][1]"),
            ("", f"([[{hidden}]]|sum(start=[]))[0]"),
            ("", f"([{{'k': {hidden}}}]|map(attribute='k')|first)"),
            ("", f"([{{'k': {hidden}}}]|selectattr('k')|first).k"),
            ("", f"(({hidden}, 1)|list)[0]"),
            ("", f"[1, [{hidden}]][1][0]"),
            ("", f"(messages + [{hidden}])[-1]"),
            ("", f"(messages[0]|default(1) and {hidden})"),
            (f"{{% macro {place}() %}}{{{{ varargs[0] }}}}{{% endmacro %}}", f"{place}({hidden})"),
            (f"{{% macro {place}() %}}{{{{ kwargs.k }}}}{{% endmacro %}}", f"{place}(k={hidden})"),
            (
                f"{{% macro w{place}() %}}{{{{ caller() }}}}{{% endmacro %}}{{% set {place} %}}"
                f"{{% call w{place}() %}}{{{{ {hidden} }}}}{{% endcall %}}{{% endset %}}",
                place,
            ),
            (
                f"{{% set {place} = [] %}}{{% for a in [{hidden}] %}}"
                f"{{% if {place}.append(a) %}}{{% endif %}}{{% endfor %}}",
                f"{place}[0]",
            ),
            (f"{{% set {place} = joiner({hidden}) %}}{{{{ {place}() }}}}", f"{place}()"),
            (
                f"{{% set {place} = namespace(a='') %}}{{% for a in [1, {hidden}] %}}"
                f"{{% set {place}.a = loop.nextitem or {place}.a %}}{{% endfor %}}",
                f"{place}.a",
            ),
            (
                f"{{% set {place} = namespace(a='') %}}{{% for a in [1] %}}"
                f"{{% set {place}.a = loop.cycle({hidden}) %}}{{% endfor %}}",
                f"{place}.a",
            ),
            (
                f"{{% set {place} = namespace(a='') %}}{{% for a, b in {{1: {hidden}}}.items() %}}"
                f"{{% set {place}.a = b %}}{{% endfor %}}",
                f"{place}.a",
            ),
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
