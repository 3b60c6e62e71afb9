"""What operators, filters and methods make of texts that are known: bounded, and nothing else.

Jinja's own folding of constants would calculate whatever a template asks for; here no result is
longer than ``value.LENGTH`` and no number has more than some digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, product
from string import Formatter

from localai.gguf.template.value import (
    HUGE,
    ITEMS,
    LENGTH,
    TEXTS,
    UNKNOWN,
    Known,
    Mark,
    Value,
    clamp,
    combine,
    either,
    element,
    known,
    marks_of,
    sequence,
)

# Filters and methods that give one text for another.
_PLAIN: Mapping[str, Callable[[str], str]] = {
    "capitalize": str.capitalize,
    "casefold": str.casefold,
    "lower": str.lower,
    "swapcase": str.swapcase,
    "title": str.title,
    "upper": str.upper,
    "safe": str,
    "string": str,
    "escape": str,
    "e": str,
    "forceescape": str,
}
_TRIMMING: Mapping[str, Callable[..., str]] = {
    "strip": str.strip,
    "trim": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
}
# What keeps the elements of a list, or some of them, or another order.
_KEEPING = {"list", "select", "reject", "selectattr", "rejectattr", "sort", "unique", "map"}
_KEEPING |= {"items", "dictsort", "values", "keys", "copy"}
_ONE_OF = {"first", "last", "random", "min", "max", "pop"}
_COUNTING = {"length", "count", "wordcount"}
_ASKING: Mapping[str, Callable[..., bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_NUMBERS = {"int", "float", "abs", "round"}
_PADDING = {"center", "ljust", "rjust", "zfill", "expandtabs", "indent", "wordwrap", "batch"}
_PADDING |= {"slice", "tojson"}


def concatenate(values: Sequence[Value]) -> Value:
    """The texts one after the other."""
    if len(values) == 1:
        return values[0]
    size, marks = clamp(sum(value.size for value in values)), marks_of(values)
    alone = [str(value.only) for value in values if value.only is not None]
    if len(alone) == len(values):  # the usual case, and the quick one
        return known("".join(alone))._replace(built=True, size=size, marks=marks)
    texts, exact = {""}, True
    for value in values:
        pairs = islice(product(texts, value.texts), TEXTS)
        exact = exact and value.exact and len(texts) * len(value.texts) <= TEXTS
        longer = {f"{left}{right}" for left, right in pairs}
        texts = {text for text in longer if len(text) <= LENGTH}
        exact = exact and len(texts) == len(longer)
        if not texts:
            break
    return Value(frozenset[Known](texts), exact and bool(texts), True, size, None, marks)


def calculate(operator: str, left: Value, right: Value) -> Value:
    """``left operator right``, of numbers or of texts."""
    if operator == "+" and left.items is not None and right.items is not None:
        return sequence((*left.items, *right.items))._replace(size=clamp(left.size + right.size))
    if operator == "+" and (left.strings or right.strings or left.built or right.built):
        return concatenate((left, right))
    if operator == "*":
        return _multiply(left, right)
    if operator == "%" and left.strings:
        return combine(_percent, left, *((right,) if right.items is None else right.items))
    result = combine(_OPERATORS.get(operator, _nothing), left, right)
    built = any(value.built or value.items is not None for value in (left, right))
    return result._replace(built=built)


def _multiply(left: Value, right: Value) -> Value:
    for content, times in ((left, right), (right, left)):
        numbers = [number for number in times.numbers if number > 0]
        texts = content.strings or content.items is not None or content.built
        if (texts or content.size) and numbers:
            size = clamp(max(1, content.size) * max(numbers))
            result = combine(_repeat, content, times, size=size)
            return result._replace(items=content.items)
    if left.numbers and right.numbers:
        return combine(_OPERATORS["*"], left, right)._replace(built=False)
    built = any(value.built or value.strings or value.items is not None for value in (left, right))
    return Value(built=built, size=max(left.size, right.size), marks=marks_of((left, right)))


def _repeat(content: Known, times: Known) -> Known | None:
    text, number = (content, times) if isinstance(content, str) else (times, content)
    fits = isinstance(text, str) and isinstance(number, int) and len(text) * number <= LENGTH
    return text * number if fits else None  # type: ignore[operator]


def _small(number: int) -> int:
    return max(-HUGE, min(number, HUGE))


def _power(base: Known, exponent: Known) -> Known:
    """Up to the size beyond which nothing is counted."""
    base, exponent = int(base), int(exponent)
    if abs(base) > 1 and exponent * (abs(base).bit_length() - 1) > 60:
        return HUGE
    return _small(base**exponent) if exponent >= 0 else 0


def _nothing(*_operands: Known) -> None:
    return None


_OPERATORS: Mapping[str, Callable[..., Known | None]] = {
    "+": lambda a, b: _small(int(a) + int(b)),
    "-": lambda a, b: _small(int(a) - int(b)),
    "*": lambda a, b: _small(int(a) * int(b)),
    "/": lambda a, b: _small(int(a) // int(b)),
    "//": lambda a, b: _small(int(a) // int(b)),
    "%": lambda a, b: int(a) % int(b),
    "**": _power,
}


def _percent(template: Known, *arguments: Known) -> Known | None:
    """printf's formatting with nothing but plain ``%s``, ``%d`` and ``%c``."""
    if not isinstance(template, str):
        return None
    places = template.replace("%%", "").replace("%s", "").replace("%c", "").replace("%d", "")
    return None if "%" in places else template % arguments


def _braces(template: Known, *arguments: Known) -> Known | None:
    """``str.format`` with nothing but plain fields."""
    if not isinstance(template, str):
        return None
    parsed = Formatter().parse(template)
    fields = [(name, spec, how) for _, name, spec, how in parsed if name is not None]
    plain = all(name == "" or (name.isdigit() and len(name) < 3) for name, _, _ in fields)
    bare = not any(spec or conversion for _, spec, conversion in fields)
    return template.format(*arguments) if plain and bare else None


def call_text(name: str, value: Value, arguments: Sequence[Value]) -> Value:
    """What a filter or a method called ``name`` makes of a value."""
    if name in _TEXTUAL:
        return _TEXTUAL[name](value, arguments)
    if name in _PLAIN:
        return combine(lambda text: _PLAIN[name](str(text)), value, size=value.size)
    if name in _TRIMMING:
        return combine(lambda *texts: _TRIMMING[name](*map(str, texts)), value, *arguments[:1])
    if name in _ONE_OF:
        return element(value)
    if name in _COUNTING:
        said = value.marks & {Mark.CONTENT, Mark.MESSAGES, Mark.REST}
        marks = value.marks - said | ({Mark.COUNT} if said else set())
        return count(name, value)._replace(marks=marks)
    if name in _ASKING and arguments:
        return combine(lambda *texts: _ASKING[name](*map(str, texts)), value, arguments[0])
    if name in _NUMBERS:
        return combine(lambda number: _small(int(float(number))), value)._replace(built=False)
    if name == "map" and value.items is not None:
        return _map(value, value.items, arguments)
    if name in _KEEPING:
        return value._replace(
            texts=frozenset(), exact=False, built=value.built or bool(value.texts)
        )
    size = max((number for one in arguments for number in one.numbers), default=0)
    size = max(value.size, size if name in _PADDING else 0)
    return Value(built=True, size=clamp(size), marks=marks_of((value, *arguments)))


def count(name: str, value: Value) -> Value:
    """How long a text is, or how many words it has, if it is known."""
    if not isinstance(value.only, str):
        return UNKNOWN
    return known(len(value.only.split() if name == "wordcount" else value.only))


def character(value: Value, key: Value) -> Value | None:
    """One character of a text that is known, at a place that is."""
    text, place = value.only, key.only
    if isinstance(text, str) and isinstance(place, int) and -len(text) <= place < len(text):
        return known(text[place])._replace(built=True, marks=marks_of((value, key)))
    return None


def _map(value: Value, items: Sequence[Value], arguments: Sequence[Value]) -> Value:
    """What a filter makes of each element; or, for all that is known here, something else: the
    argument may be the name of an attribute."""
    name = arguments[0].only if arguments else None
    if not isinstance(name, str) or value.size > LENGTH:
        return Value(built=True, size=value.size, marks=marks_of((value, *arguments)))
    made = (call_text(name, item, arguments[1:]) for item in items)
    return sequence([either((one, Value(built=True))) for one in made])


def _default(value: Value, arguments: Sequence[Value]) -> Value:
    return either((value, *arguments))


def _replace(value: Value, arguments: Sequence[Value]) -> Value:
    def replace(text: Known, old: Known, new: Known) -> str:
        return str(text).replace(str(old), str(new))

    made = combine(replace, value, *arguments[:2])
    old, new = (*arguments, known(""), known(""))[:2]
    # Every gap between two characters may become the new text.
    times = value.size + 1 if any(len(text) < 2 for text in old.strings) else 1
    return made._replace(size=clamp(value.size + times * new.size))


def _format(value: Value, arguments: Sequence[Value]) -> Value:
    function = _percent if "%" in "".join(value.strings) else _braces
    return combine(function, value, *arguments)


def _reverse(value: Value, _arguments: Sequence[Value]) -> Value:
    items = None if value.items is None else value.items[::-1]
    return combine(lambda text: str(text)[::-1], value)._replace(items=items)


def _join(value: Value, arguments: Sequence[Value]) -> Value:
    """The elements in one text: Jinja's filter, with the separator as argument, and Python's
    method, which is called on it."""
    separator = arguments[0] if arguments else known("")
    if value.items is None and separator.items is not None:
        value, separator = separator, value
    if value.items is None and not arguments:
        return combine(str, value)
    if value.items is None:  # which of the two is joined is not known
        size = clamp(value.size + max(1, value.size) * separator.size)
        return Value(built=True, size=size, marks=marks_of((value, separator)))
    joined = concatenate([part for item in value.items for part in (separator, item)][1:])
    return joined._replace(exact=joined.exact and not value.built)


def _split(value: Value, arguments: Sequence[Value]) -> Value:
    text, separator = value.only, arguments[0].only if arguments else None
    if not isinstance(text, str) or not isinstance(separator, str | None) or separator == "":
        return Value(built=True, size=value.size, marks=value.marks)
    parts = [known(part) for part in text.split(separator, ITEMS)]
    return sequence(parts)._replace(marks=value.marks)


def cut(value: Value, *bounds: Value | None) -> Value:
    """A slice of it: start, stop and step, where they are given."""
    ends = [None if bound is None else bound.only for bound in bounds]
    whole = [end if isinstance(end, int) else None for end in ends]
    given = sum(bound is not None for bound in bounds)
    if sum(end is not None for end in whole) != given or 0 in whole[2:]:
        return Value(built=value.items is None, size=value.size, marks=value.marks)
    part = slice(*whole)
    items = None if value.items is None else value.items[part]
    result = combine(lambda text: str(text)[part], value)
    return result._replace(items=items, size=value.size, built=items is None)


_TEXTUAL: Mapping[str, Callable[[Value, Sequence[Value]], Value]] = {
    "default": _default,
    "d": _default,
    "format": _format,
    "join": _join,
    "replace": _replace,
    "reverse": _reverse,
    "split": _split,
}
