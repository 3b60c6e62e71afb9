"""What an expression of a template can come to, as far as it is known without rendering it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import product
from typing import NamedTuple

Known = str | int | float

TEXTS = 16  # values of one expression that are told apart
LENGTH = 256  # characters of one of them
ITEMS = 48  # elements of one list; a longer one is not followed
HUGE = 10**18  # no size is counted beyond


class Mark(StrEnum):
    """Where a value comes from."""

    CLOCK = "the date"
    CONTENT = "what a message says"
    COUNT = "how much is said"
    MESSAGES = "all messages"
    REST = "the messages after the first"
    OTHERS = "messages of other roles"
    ROLE = "a message's role"


class Value(NamedTuple):
    """What an expression can come to.

    ``texts``: values that it can have; ``exact``: it has no others. ``built``: it was put together
    from parts. ``size``: how many characters and steps it makes, whatever the messages are.
    ``items``: the elements, where it is a list or a mapping with these in the template.
    """

    texts: frozenset[Known] = frozenset()
    exact: bool = False
    built: bool = False
    size: int = 0
    items: tuple[Value, ...] | None = None
    marks: frozenset[Mark] = frozenset()

    @property
    def only(self) -> Known | None:
        """The one value that it has, if that is known."""
        return next(iter(self.texts)) if self.exact and len(self.texts) == 1 else None

    @property
    def strings(self) -> list[str]:
        return [text for text in self.texts if isinstance(text, str)]

    @property
    def numbers(self) -> list[int]:
        """The whole numbers among what it can come to."""
        return [_whole(text) for text in self.texts if not isinstance(text, str)]


UNKNOWN = Value()


def known(text: Known) -> Value:
    """A value that stands in the template."""
    size = len(text) if isinstance(text, str) else 0
    if size > LENGTH:
        return Value(size=size)
    return Value(frozenset((text,)), exact=True, size=size)


EMPTY = known("")


def sequence(items: Sequence[Value]) -> Value:
    """A list of values; what it is made of counts, and each element for one at least."""
    size = clamp(sum(max(1, item.size) for item in items))
    return Value(size=size, items=_bounded(items), marks=marks_of(items))


def mapping(items: Sequence[Value]) -> Value:
    """A mapping of these keys and values. Which of them are taken, and in which order, is not
    followed: what is made of all of them is not known."""
    return sequence(items)._replace(built=True)


def either(values: Iterable[Value]) -> Value:
    """One of the values, and no telling which."""
    values = tuple(values)
    if not values:
        return UNKNOWN
    texts = frozenset[Known]().union(*(value.texts for value in values))
    lists = [value.items for value in values if value.items is not None]
    items = _bounded([item for one in lists for item in one]) if lists else None
    return Value(
        frozenset(list(texts)[:TEXTS]),
        all(value.exact for value in values) and len(texts) <= TEXTS,
        any(value.built for value in values),
        max(value.size for value in values),
        items,
        marks_of(values),
    )


def combine(function: Callable[..., Known | None], *values: Value, size: int = 0) -> Value:
    """What a function makes of every combination of what is known; ``size`` of the result, where
    it is more than the longest that came out."""
    results: set[Known] = set()
    whole = all(value.exact for value in values)
    for number, chosen in enumerate(product(*(value.texts for value in values))):
        if number == TEXTS:
            whole = False
            break
        try:
            result = function(*chosen)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            result = None
        if result is None or (isinstance(result, str) and len(result) > LENGTH):
            whole = False
        else:
            results.add(result)
    longest = max((len(text) for text in results if isinstance(text, str)), default=0)
    exact = whole and bool(results)
    return Value(frozenset(results), exact, True, clamp(max(size, longest)), None, marks_of(values))


def marks_of(values: Iterable[Value]) -> frozenset[Mark]:
    return frozenset[Mark]().union(*(value.marks for value in values))


def element(value: Value) -> Value:
    """One element of it, or one character."""
    if value.items is not None:
        return either(value.items)._replace(marks=value.marks)
    if value.strings:
        return Value(frozenset(value.strings[0][:TEXTS]), False, True, 1, None, value.marks)
    return Value(built=value.built, marks=value.marks)


def _bounded(items: Sequence[Value]) -> tuple[Value, ...] | None:
    return tuple(items) if len(items) <= ITEMS else None


def clamp(number: int) -> int:
    return min(number, HUGE)


def _whole(number: int | float) -> int:
    return int(number) if abs(number) < HUGE else HUGE
