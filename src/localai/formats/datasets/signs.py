"""What may harm whoever opens a dataset, or a model that learns from it: signs, and where.

The search is over UTF-8 bytes, with ``bytes.find`` for a rare word first and a pattern only where
the word stands: some hundred megabytes a second, where one pattern for all would need ten times as
long. A sign is a note, never proof: instructions can be worded in more ways than anybody can list.
"""

from __future__ import annotations

import re
from codecs import utf_8_decode
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from localai.findings import Finding
from localai.formats.finding import DATASET, note
from localai.terminal import printable, sanitise

SHOWN_LINES = 8
SHOWN_TEXT = 60
_REACH = 400  # bytes from a word on in which its pattern must fit
_Words = Sequence[tuple[bytes, re.Pattern[bytes]]]

_PLAIN = bytes({*range(32, 256), *b"\t\n\f\r"} - {127})
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# The flags of England, Scotland and Wales are written in tags (UTS #51, annex C).
_TAGS = {code: 0xE0000 + code for code in range(127 + 1)}
_PLACES = "|".join(f"{place}\x7f".translate(_TAGS) for place in ("gbeng", "gbsct", "gbwls"))
_FLAG = re.compile(f"\U0001f3f4(?:{_PLACES})".encode())
# C1 controls; soft hyphen; Arabic letter mark; zero width, direction and separators; word joiner,
# isolates; Hangul filler; byte order mark and annotations; private and tag characters.
_HIDDEN = re.compile(
    rb"\xc2[\x80-\x9f\xad]|\xcd\x8f|\xd8\x9c|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]"
    rb"|\xe3\x85\xa4|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80-\xbf]"
)
# No byte of a word is one of what stands between words, and neither is ever given back: with two
# ways to take a byte apart the search would try them all.
_WORD = rb"[a-z0-9\x80-\xff]"
_W = rb"(?:[\s\"'*_,-]|\\[nrt]){1,8}+"  # what stands between two words, in JSON too
_ANY = rb"(?:" + _WORD + rb"{1,15}+" + _W + rb"){0,3}"
_EARLIER = (
    rb"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|your|all|any|these"
    rb"|those|every|system|safety|alle|(?:vorherig|bisherig|obig|anterior|pr\xc3\xa9c\xc3\xa9dent)"
    + _WORD
    + rb"*+|todas|toutes|tes|vos|tus)"
)
_RULES = (
    rb"(?:instruc|prompt|rules?\b|directi|guideline|polic|restriction|filter|guardrail|safe"
    rb"|training|context|messages|anweisung|vorgabe|consigne|istruzion|regel)"
)
_AGAINST = _WORD + rb"{0,8}+" + _W + _ANY + _EARLIER + _W + _ANY + _RULES
_VERBS = (
    rb"ignor", rb"disregard", rb"forget", rb"overrid", rb"bypass", rb"not follow", rb"no attention",
    rb"vergiss", rb"missacht", rb"olvid", rb"oubli",
)  # fmt: skip

# A rare word, and the pattern that must fit from there; both in lower case.
_INSTRUCTIONS = (
    *((verb, re.compile(verb + _AGAINST)) for verb in _VERBS),
    (b"you are now", re.compile(
        rb"you are now (?:dan\b|in (?:developer|debug|god|admin)|free (?:of|from)|no longer"
        rb"|an? (?:unrestrict|unfilter|uncensor|different|new))")),
    (b"from now on", re.compile(rb"from now on,? (?:you|answer|respond|act|reply|always)\b")),
    (b"system prompt", re.compile(  # asked for, or meant: texts about models speak of it too
        rb"(?:(?<=your )|(?<=print the )|(?<=reveal the )|(?<=repeat the ))system prompt")),
    (b"do anything now", re.compile(rb"do anything now")),
    (b"developer mode", re.compile(rb"developer mode (?:enabled|output|policy|on\b)")),
    (b"not tell the user", re.compile(rb"not tell the user")),
    (b"new instructions", re.compile(rb"new instructions?:")),
    ("忽略".encode(), re.compile(
        "忽略[^\n]{0,40}(?:指令|指示|提示|说明|規則|规则)".encode())),
)  # fmt: skip
_MARKERS = (
    (b"<|", re.compile(rb"<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|eot_id"
                       rb"|begin_of_text|start_header_id|end_header_id)\|>")),
    (b"[inst]", re.compile(rb"\[inst\]")),
    (b"<<sys>>", re.compile(rb"<<sys>>")),
    (b"<start_of_turn>", re.compile(rb"<start_of_turn>")),
)  # fmt: skip


class Lines:
    """In how many lines a sign was seen, the first of them, and what it looked like there."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[int] = []
        self.text = ""
        self._last = 0

    def add(self, line: int, text: bytes = b"") -> None:
        """``line`` has the sign; lines come in rising order, and each counts once."""
        if line <= self._last:
            return
        if not self.count:
            self.text = show(text)
        self._last = line
        self.count += 1
        if len(self.first) < SHOWN_LINES:
            self.first.append(line)

    def __str__(self) -> str:
        numbers = ", ".join(str(line) for line in self.first)
        more = f" and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        where = f"line {numbers}" if self.count == 1 else f"{self.count} lines ({numbers}{more})"
        return f"{where}: {self.text}" if self.text else where


def show(text: bytes) -> str:
    """An excerpt as a screen may have it."""
    shown, _ = utf_8_decode(text, "replace", False)  # its last character may be cut
    return printable(sanitise(shown))


class Block(NamedTuple):
    """Lines of UTF-8, each with its end; ``line`` is the number of the first. Only a line that is
    too long is cut (``whole`` is then False)."""

    line: int
    data: bytes
    whole: bool = True


class Signs:
    """The signs found so far; ``keep`` makes what keeps the lines of each."""

    def __init__(self, keep: Callable[[], Lines] = Lines) -> None:
        self.control = keep()
        self.hidden = keep()
        self.undecodable = keep()
        self.instructions = keep()
        self.markers = keep()

    def look(self, block: Block) -> None:
        """Search one block."""
        data = block.data
        if data.translate(None, _PLAIN):
            _find(_CONTROL, block, self.control)
        if not data.isascii():
            plain = _FLAG.sub(b"", data) if b"\xf3\xa0" in data else data
            _find(_HIDDEN, block._replace(data=plain), self.hidden)
            _find_undecodable(block, self.undecodable)
        lowered = data.lower()
        _find_words(_INSTRUCTIONS, lowered, block, self.instructions)
        _find_words(_MARKERS, lowered, block, self.markers)

    def seen(self) -> tuple[tuple[str, Lines], ...]:
        """Each sign and its lines, of which there may be none."""
        return (
            ("control characters", self.control),
            ("hidden characters", self.hidden),
            ("not UTF-8", self.undecodable),
            ("instructions", self.instructions),
            ("role markers", self.markers),
        )

    def findings(self) -> list[Finding]:
        """One note for each sign that was seen."""
        return [note(DATASET, summary, str(lines)) for summary, lines in self.seen() if lines.count]


def _find(pattern: re.Pattern[bytes], block: Block, lines: Lines) -> None:
    def search(at: int) -> int:
        found = pattern.search(block.data, at)
        return found.start() if found else -1

    for line, place in _each_line(block, search):
        lines.add(line, _excerpt(block.data, place, before=16))


def _excerpt(data: bytes, place: int, before: int = 0) -> bytes:
    """Some bytes of the line around ``place``."""
    begin = max(place - before, data.rfind(b"\n", 0, place) + 1, 0)
    while begin < place and data[begin] & 0xC0 == 0x80:  # inside a character
        begin += 1
    return data[begin : begin + SHOWN_TEXT].split(b"\n", 1)[0]


def _find_undecodable(block: Block, lines: Lines) -> None:
    try:
        block.data.decode()
    except UnicodeDecodeError:
        for number, line in enumerate(block.data.split(b"\n"), block.line):
            if not line.isascii() and "\ufffd" in line.decode("utf-8", "replace"):
                lines.add(number)


def _find_words(words: _Words, lowered: bytes, block: Block, lines: Lines) -> None:
    found: dict[int, int] = {}
    for word, pattern in words:
        search = partial(_search_word, word, pattern, lowered)
        for line, place in _each_line(block, search):
            found.setdefault(line, place)
    for line in sorted(found):
        lines.add(line, _excerpt(block.data, found[line]))


def _search_word(word: bytes, pattern: re.Pattern[bytes], lowered: bytes, at: int) -> int:
    """Where ``word`` stands from ``at`` on so that its pattern fits, or -1."""
    at = lowered.find(word, at)
    while at >= 0 and not pattern.match(lowered, at, at + _REACH):
        at = lowered.find(word, at + len(word))
    return at


def _each_line(block: Block, search: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    """(line, place) of each line in which ``search`` finds something: its first place there."""
    line, before, place = block.line, 0, search(0)
    while place >= 0:
        line += block.data.count(b"\n", before, place)
        yield line, place
        end = block.data.find(b"\n", place)
        before, place = place, search(end + 1) if end >= 0 else -1
