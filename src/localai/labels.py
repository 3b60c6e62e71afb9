"""What the words of a label mean. Pure: text and the policy's words in, a meaning out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import NamedTuple

PRODUCTION = frozenset({"production", "prod", "prd", "live"})
# Words that turn "production" around when they stand beside it: what is meant is anybody's guess.
TURNING = frozenset({"non", "not", "no", "pre", "post", "un", "anti"})
DEFAULT_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sandbox": frozenset({"sandbox", "lab", "playground"}),
        "development": frozenset({"development", "dev", "workstation"}),
        "test": frozenset({"test", "testing", "evaluation"}),
    }
)


class LabelRules(NamedTuple):
    """The policy's part in a label: words by class, whose word counts, and patterns of host names
    that are production beside those with a production word in them."""

    classes: Mapping[str, frozenset[str]] = DEFAULT_CLASSES
    production_hosts: tuple[str, ...] = ()
    self_declared: bool = True


class Kind(StrEnum):
    """What a label's words mean."""

    KNOWN = "known"
    PRODUCTION = "production"
    NEAR_PRODUCTION = "near-production"  # non-production, preprod: ambiguous wherever it stands
    UNKNOWN = "unknown"  # a word that the policy does not know, or no word at all
    MIXED = "mixed"  # words of more than one class


class Meaning(NamedTuple):
    """``name`` is the class of a known label; ``words`` those that made it what it is."""

    kind: Kind
    name: str = ""
    words: tuple[str, ...] = ()


def tokens(label: str) -> tuple[str, ...]:
    """The words of a label: split at non-letters and at letter-digit borders, case folded."""
    plain = unicodedata.normalize("NFKC", label).casefold()
    return tuple(re.findall(r"[^\W\d_]+", plain))


def classify(label: str, rules: LabelRules) -> Meaning:
    """What a label means. One class needs every word known and all of them of that class."""
    words = tokens(label)
    production = tuple(word for word in words if word in PRODUCTION)
    near = tuple(word for word in words if is_near_production(word))
    if near or (production and TURNING.intersection(words)):
        return Meaning(Kind.NEAR_PRODUCTION, words=near or words)
    if production:
        return Meaning(Kind.PRODUCTION, words=production)
    names = {word: name for name, known in rules.classes.items() for word in known}
    unknown = tuple(word for word in words if word not in names)
    if unknown or not words:
        return Meaning(Kind.UNKNOWN, words=unknown)
    classes = {names[word] for word in words}
    if len(classes) > 1:
        return Meaning(Kind.MIXED, words=words)
    return Meaning(Kind.KNOWN, classes.pop(), words)


def is_production_host(name: str, rules: LabelRules) -> bool:
    """True for a host name with a production word in it, or one that the policy's patterns match.

    Nothing turns a word around here: ``non-prod-1`` is denied, as nobody labels by host name.
    """
    folded = name.casefold()
    return not PRODUCTION.isdisjoint(tokens(name)) or any(
        fnmatchcase(folded, pattern.casefold()) for pattern in rules.production_hosts
    )


def is_near_production(word: str) -> bool:
    """True for ``preprod``, ``nonproduction``: a production word with something in front.

    ``live`` is left out, for the sake of ``olive`` and ``deliver(y)``.
    """
    return word not in PRODUCTION and word.endswith(("production", "prod", "prd"))
