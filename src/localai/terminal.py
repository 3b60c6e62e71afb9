"""Make a model's text safe to show: what a terminal would obey or hide becomes visible.

A terminal obeys escape sequences: they move the cursor, retitle windows, write the clipboard
(OSC 52), answer back as if typed (DECRQSS), and rewrite what stood above. Every one of them
begins with a control character of ISO 6429 (ECMA-48), so none of those gets through, in the
7-bit or the 8-bit form; what follows it is then plain text. The same goes for characters that
reorder text (Unicode's bidirectional controls, UAX #9), and for those that nobody can see
(zero-width and tag characters), in which text can be smuggled out by copy and paste.

Each becomes its code point in angle brackets, ``<U+001B>``: nothing is dropped in silence, it
needs no Unicode to print, and a screen reader says it. One character is judged at a time, so a
sequence that is cut in two by streaming is no other case.
"""

from __future__ import annotations

import re
from pathlib import Path

_UNSAFE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # drawn as nothing
    "\u200b\u200e\u200f\u2060-\u206f\ufeff"  # zero width, direction marks, isolates, operators
    "\u2028-\u202e"  # line and paragraph separators, embeddings and overrides
    "\ufff9-\ufffb"  # interlinear annotation
    "\ud800-\udfff"  # lone surrogates: no encoding takes them
    "\U0001d173-\U0001d17a"  # musical format controls
    "\U000e0000-\U000e0fff"  # tags, variation selectors for ideographs
    "]"
)

# What counts as printable and is drawn as nothing: fillers, the blank of Braille, and variation
# selectors, each of which may stand for a byte.
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)


def sanitise(text: str) -> str:
    """``text`` with every character that is obeyed or unseen replaced by its code point.

    Carriage returns are dropped: before a line feed they mean nothing, alone they overwrite.
    """
    return _UNSAFE.sub(_spell, text)


def _spell(found: re.Match[str]) -> str:
    character = found[0]
    return "" if character == "\r" else f"<U+{ord(character):04X}>"


def printable(text: str) -> str:
    """``text`` on one line with every character that is not printable shown as an escape.

    Control, format and bidi characters, line breaks and undecodable bytes (surrogates) all count
    as not printable (``str.isprintable``: Unicode categories Other and Separator, save the space),
    and so do letters that are blank: with them a row of a screen can be imitated.
    """
    return "".join(
        char
        if char.isprintable() and char not in _BLANKS
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def show_path(path: Path) -> str:
    """The name of a file on one line, whatever it is called."""
    return printable(str(path))
