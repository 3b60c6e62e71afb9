"""Whether a text names something on a list, however it is spelt.

Both are brought to one shape: without accents, spaces and signs, in small letters, with letters
of other alphabets and digits as the Latin letters that they look like, and no letter twice in a
row. Sources: Unicode's UAX #15 (normal form KD) and UTS #39, 4 (skeletons, of which this is a
coarser kind), and the names of the Unicode Character Database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_SHORT = 4  # letters: a shorter shape stands in many words, so it must be a word itself
_MOST_WORDS = 4  # of a text that make up one short name: "Y. i"
_LONG = 6  # letters: in such a shape one in the middle may be wrong

# Greek, Cyrillic and Latin letters, small and capital, that look like a Latin one of another name
_TWINS = str.maketrans(
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβγεηικνορτυχωАВЕЗКМНОРСТУХІЈЅҺӀԌԚԜѴавезкмнорстухіјѕһӏԍԛԝѵԁгпьүбɑɩ"
    "ѠШЩЄЭҼӨҰѡшщєэҽөұμ",
    "ABEZHIKMNOPTYXabyenikvoptuxwABEEKMHOPCTYXIJSHLGQWVabeekmhopctyxijshlgqwvdrnbybai"
    "WWWEEEOYwwweeeoyu",
)
# What the database calls a letter by: LATIN SMALL LETTER O WITH STROKE, ... SYMBOL LETTER D
_NAMED = re.compile(r"(?:LATIN|SYMBOL) (?:.* )?LETTER (?:[A-Z-]+ )*([A-Z]{1,2})(?: WITH .*)?$")
# Scripts of which no letter looks like a Latin one, or all that do stand above
_OTHERS = re.compile("GREEK|CYRILLIC|CJK|HIRAGANA|KATAKANA|HANGUL|ARABIC|HEBREW|DEVANAGARI|THAI")
_EUROPE, _LATIN = re.compile("GREEK|CYRILLIC"), re.compile("[A-Za-z]")
_SIGNS = str.maketrans("0123456789i|!@$€£¥×", "olzeasbtbglllaselyx")
_TWICE = re.compile(r"(.)\1+")
_WORDS = re.compile(r"[^\W\d_]+|[\d@$!|]+")


def resembles(name: str, text: str) -> bool:
    """True if ``text`` has ``name`` in it, or what a reader could take for it."""
    if name.isascii() and text.isascii():
        return _is_like(name, text)
    # A capital may look like one Latin letter and its small letter like another: Greek nu.
    names, texts = {name, name.casefold()}, {text, text.casefold()}
    return any(_is_like(one, other) for one in names for other in texts)


def _is_like(name: str, text: str) -> bool:
    wanted = shape(name)
    if len(wanted) < _SHORT:
        return wanted in _runs(text)
    there = shape(text)
    return wanted in there or (len(wanted) >= _LONG and _is_close(wanted, there))


@lru_cache(maxsize=4096)
def shape(text: str) -> str:
    """What is left of ``text`` where all that looks alike is alike."""
    plain = _fold(text).translate(_SIGNS)
    letters = "".join(letter for letter in plain if letter.isalnum())
    return _TWICE.sub(r"\1", letters.replace("rn", "m").replace("vv", "w"))


def find_strange(text: str) -> str:
    """What in ``text`` may look like Latin letters and cannot be told, "" if nothing: letters,
    signs of reckoning and money, and Greek or Cyrillic letters in one word with Latin ones, which
    nobody writes but to be mistaken (UTS #39, 5.2)."""
    if text.isascii():
        return ""
    import unicodedata  # most texts need no table

    def is_strange(sign: str) -> bool:
        if sign.isalpha():
            return not _OTHERS.match(unicodedata.name(sign, ""))
        return unicodedata.category(sign) in ("Sm", "Sc")

    alone = (sign for sign in _fold(text).translate(_SIGNS) if not sign.isascii())
    mixed = (
        letter
        for word in _WORDS.findall(_see(text))
        if _LATIN.search(word)
        for letter in word
        if not _fold(letter).isascii() and _EUROPE.match(unicodedata.name(letter, ""))
    )
    return "".join((*filter(is_strange, alone), *mixed))


def _fold(text: str) -> str:
    """Small letters, Latin where one looks Latin, without marks and what cannot be seen."""
    if text.isascii():
        return text.lower()
    return "".join(map(_name_letter, _see(text).translate(_TWINS))).casefold()


def _see(text: str) -> str:
    """``text`` without marks and what cannot be seen."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return "".join(one for one in plain if unicodedata.category(one) not in ("Mn", "Me", "Cf"))


@lru_cache(maxsize=4096)
def _name_letter(letter: str) -> str:
    import unicodedata

    named = None if letter.isascii() else _NAMED.search(unicodedata.name(letter, ""))
    return named[1] if named else letter


def _runs(text: str) -> Iterator[str]:
    """The shapes of some words in a row, digits being words of their own."""
    words = _WORDS.findall(_fold(text))
    for first in range(len(words)):
        for after in range(first + 1, min(first + _MOST_WORDS, len(words)) + 1):
            yield shape("".join(words[first:after]))


def _is_close(wanted: str, there: str) -> bool:
    """True but for one letter too many, too few, or wrong, or two that changed places; the first
    and the last are as they should be."""
    middle = len(wanted) // 2
    if wanted[: middle - 1] not in there and wanted[middle + 1 :] not in there:
        return False  # one slip leaves one of the two whole: most texts need no closer look
    for at in range(1, len(wanted) - 1):
        before, after = wanted[:at], wanted[at + 1 :]
        swapped = before + wanted[at + 1] + wanted[at] + wanted[at + 2 :]
        if swapped in there:
            return True
        if before in there and after in there and re.search(f"{before}.{{0,2}}{after}", there):
            return True
    return False
