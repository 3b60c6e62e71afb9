"""What the texts of a file carry besides their meaning: addresses, commands, unseen characters.

Texts are shown to people, copied into terminals and pages, and handed to other models. Chat
templates have an examination of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from localai.findings import Finding
from localai.gguf.elements import each_batch
from localai.gguf.facts import Array, GgufFile, is_template
from localai.gguf.finding import expose, name_some, note
from localai.gguf.types import ValueType

CHECK = "gguf-text"
MOST = 100  # of each kind are counted
_MOST_LOOKS = 1000  # for an address in one text or one list of tokens
_REST = ", and perhaps others"
_ELSEWHERE = ("tokenizer.ggml.tokens", "tokenizer.ggml.merges")
# An address is what these are for.
_LINK_KEY = re.compile(r"(?:^|[._])(?:url|link|doi|repository|repo_url|uuid)$")
_SCHEME = b"://"
_ADDRESS = re.compile(
    rb"(?:https?|ftp|wss?|file|data)://[a-z0-9.\[\]:@-]*[./][^\s\"'<>\0]*", re.IGNORECASE
)
_COMMANDS = (  # few: each is a pass over the whole vocabulary
    *(b"curl ", b"wget ", b"/bin/", b"rm -rf", b"powershell -", b"cmd.exe", b"| sh", b"| bash"),
    *(b"os.system", b"subprocess.", b"eval(", b"__import__"),
    *(b"<script>", b"<script ", b"<?php", b"javascript:"),
)
_IN_ONE_WORD = tuple(command for command in _COMMANDS if b" " not in command)
# What no text needs: control characters (ISO 6429, C0), overrides of the direction (UAX #9), and
# tags, in which whole texts can be hidden.
_OBEYED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u202d\u202e\U000e0001-\U000e007f]")
# What stands in honest texts too, by a wrong encoding (C1), in right-to-left scripts, by a paste.
_UNSEEN = re.compile(
    "[\x80-\x9f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202c\u2060-\u206f\ufeff"
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u2800\u3164\uffa0]"  # letters that are blank
)
# Tags as Unicode means them (UTS #51, annex C): a flag, and the code of a country's part.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")


class Sightings(NamedTuple):
    """Addresses and commands that were seen, each in the words around it."""

    addresses: list[str]
    commands: list[str]

    def look(self, text: bytes) -> None:
        """Add what is in ``text``."""
        at = text.find(_SCHEME)
        for _ in range(_MOST_LOOKS):
            if at < 0 or len(self.addresses) >= MOST:
                break
            found = _ADDRESS.search(text, max(0, at - 5), at + 200)
            if found:
                self.addresses.append(_decode(found[0]))
            at = text.find(_SCHEME, found.end() if found else at + 3)
        else:  # no text that is meant to be read has so many
            self.addresses.append(_decode(text[at : at + 20]))
        lower = text.lower()
        # Most vocabularies write a space as a letter of its own: then half of it can be left out.
        for command in _COMMANDS if b" " in text else _IN_ONE_WORD:
            at = lower.find(command)
            if at >= 0 and len(self.commands) < MOST:
                begin = max(text.rfind(b"\n", 0, at) + 1, at - 20)
                self.commands.append(_decode(text[begin : at + 60].split(b"\n")[0]))

    def judge(self, where: str) -> list[Finding]:
        """A note for each kind that was seen."""
        return [
            note(CHECK, f"{kind} in {where}", name_some(seen) + _REST * (len(seen) == MOST))
            for kind, seen in (("addresses", self.addresses), ("commands", self.commands))
            if seen
        ]


def find_texts(fd: int, file: GgufFile) -> list[Finding]:
    """What the file's own texts carry. Chat templates and tokens are looked at elsewhere; merges
    are pairs of tokens, and nobody reads them."""
    seen = Sightings([], [])
    for key, value in file.metadata.items():
        if isinstance(value, Array) and value.kind is ValueType.STRING and key not in _ELSEWHERE:
            for batch in each_batch(fd, value):
                seen.look(b"\n".join(batch))
    obeyed, unseen = [], []
    for key, text in _texts(file):
        plain = _FLAG.sub("", text) if not text.isascii() else text
        if _OBEYED.search(plain) or (key == "general.name" and len(text.splitlines()) > 1):
            obeyed.append(f"{key}: {text}")
        elif _UNSEEN.search(plain):
            unseen.append(f"{key}: {text}")
        if isinstance(file.metadata[key], str) and not _LINK_KEY.search(key):
            seen.look(text.encode())
    findings = seen.judge("the texts")
    if obeyed:
        findings.append(expose(CHECK, "texts that deceive the eye", name_some(obeyed)))
    if unseen:
        findings.append(note(CHECK, "unseen characters in the texts", name_some(unseen)))
    return findings


def _texts(file: GgufFile) -> Iterator[tuple[str, str]]:
    for key, value in file.metadata.items():
        if is_template(key):
            continue
        for text in value.first if isinstance(value, Array) else (value,):
            if isinstance(text, str):
                yield key, text


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")
