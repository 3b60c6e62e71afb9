"""Names that a person would take for others: of metadata keys, and of tensors.

A key means what its exact bytes say. Two keys that look the same let a person approve one value
while llama.cpp reads the other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from localai.findings import Finding
from localai.gguf.facts import GgufFile, all_tensors
from localai.gguf.finding import expose, name_some, note

CHECK = "gguf-keys"

# Letters that most fonts draw like a Latin one, by their Unicode names. UTS #39 lists thousands;
# these are the ones that names in lower case can be imitated with.
_LOOKALIKES = {
    "CYRILLIC SMALL LETTER ": {
        "A": "a", "IE": "e", "O": "o", "ER": "p", "ES": "c", "HA": "x", "U": "y", "KA": "k",
        "BYELORUSSIAN-UKRAINIAN I": "i", "JE": "j", "DZE": "s", "SHHA": "h", "PALOCHKA": "l",
        "KOMI DE": "d", "QA": "q", "WE": "w", "IZHITSA": "v", "EM": "m", "TE": "t", "GHE": "r",
    },
    "GREEK SMALL LETTER ": {
        "ALPHA": "a", "EPSILON": "e", "ETA": "n", "IOTA": "i", "KAPPA": "k", "NU": "v",
        "OMICRON": "o", "RHO": "p", "TAU": "t", "UPSILON": "u", "CHI": "x",
    },
    "LATIN SMALL LETTER ": {"DOTLESS I": "i", "ALPHA": "a", "SCRIPT G": "g", "OPEN E": "e"},
}  # fmt: skip
_LATIN = {
    ord(unicodedata.lookup(script + name)): latin
    for script, letters in _LOOKALIKES.items()
    for name, latin in letters.items()
}


def find_keys(files: Sequence[GgufFile]) -> list[Finding]:
    """Keys and tensor names must be told apart by a person, not only by a program."""
    findings = [one for file in files for one in _find_names("key", file.metadata)]
    return findings + _find_names("tensor", (tensor.name for tensor in all_tensors(files)))


def _find_names(what: str, names: Iterable[str]) -> list[Finding]:
    unseen, foreign, alike = list[str](), list[str](), list[str]()
    first: dict[str, str] = {}
    for name in names:
        folded = _fold(name)
        if not name.isprintable():  # control, format and bidi characters, line breaks
            unseen.append(name)
        elif not name.isascii():
            (alike if folded.isascii() else foreign).append(name)
        if first.setdefault(folded, name) != name:
            alike += [first[folded], name]
    findings = []
    if unseen:
        findings.append(expose(CHECK, f"unseen characters in a {what}", name_some(unseen)))
    if alike:
        findings.append(expose(CHECK, f"a {what} that looks like another", name_some(alike)))
    if foreign:
        findings.append(note(CHECK, f"a {what} that is not ASCII", name_some(foreign)))
    return findings


def _fold(name: str) -> str:
    """The same for all names that look the same, as far as can be said without a font."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        name = "".join(char for char in name if char.isprintable())
        name = name.casefold().translate(_LATIN)
    return name.lower().replace("-", "_")
