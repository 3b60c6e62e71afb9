"""What a template says by itself: hidden characters, addresses, active content, orders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from jinja2.nodes import Const, Node, Template, TemplateData

from localai.gguf.template.flaw import Flaw, fail, note

HIDDEN = "hidden characters in the chat template"
LOOKALIKE = "letters of two scripts in one word"
ACTIVE = "active content in the chat template"
ADDRESS = "addresses in the chat template"
ORDERS = "the chat template gives orders of its own"
OPAQUE = "unreadable data in the chat template"

# Nothing that a person sees, or what turns text around: categories Cc and Cf (UAX #44) but for
# tab and line ends, blank letters, and the variation selectors, in which bytes can be written.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f"
_BLANKS = re.compile(f"[{_BLANK}\U000e0100-\U000e01ef\u2028\u2029]")
_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*")

_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|applet|meta\s|link\s|base\s|svg[\s/]+on)"
    r"|\bon(?:error|load|click|mouseover|focus)\s*=|javascript:|vbscript:|data:text/html"
    r"|<img[^>]{0,200}\bsrc|!\[[^\]]{0,200}\]\(",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:https?|ftp|wss?|file|ssh|ldap|smb)://[^\s'\"<>\\)]{1,200}"
    r"|\bwww\.[a-z0-9-]{1,63}\.[a-z]{2,10}|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}"
    r"\b(?:previous|prior|above|earlier|preceding|other|system|safety)\b[^.\n]{0,20}"
    r"\b(?:instruction|rule|message|prompt|guideline|direction|policy|policies)"
    r"|\b(?:do not|don't|never)\s+(?:tell|inform|alert|notify|warn|let)\b[^.\n]{0,20}"
    r"\b(?:user|human|person|anyone|anybody|operator|officer|them)\b"
    r"|\bwithout\s+(?:telling|informing|alerting|notifying)\b"
    r"|\bwithout\s+the\s+(?:user|human)(?:'s)?\s+(?:knowledge|consent|noticing)"
    r"|\b(?:secretly|covertly|surreptitiously)\b"
    r"|\b(?:regardless|no matter)\s+(?:of\s+)?what\s+the\s+(?:user|human)"
    r"|\b(?:curl|wget|nc|powershell|invoke-webrequest)\s+(?:-|https?:)|\brm\s+-[rf]{1,2}\b"
    r"|\|\s*(?:ba|z|da)?sh\b|\b(?:os\.system|subprocess|eval|exec)\s*\("
    r"|\b(?:exfiltrate|jailbreak|DAN mode|developer mode)\b"
    r"|\b(?:send|upload|post|forward|email|leak)\b[^.\n]{0,60}\b(?:https?:|to the address)",
    re.IGNORECASE,
)
_OPAQUE = re.compile(r"[A-Za-z0-9+/_-]{160,}|(?:\\x[0-9a-f]{2}){20}|[0-9a-fA-F]{96,}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")


def find_words(source: str, template: Template) -> Iterator[Flaw]:
    """Flaws of the text: of the source with its comments, and of what escapes in it stand for."""
    texts = [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", source), 1)]
    for line, text in (*texts, *_escaped(template, source)):
        yield from _find_hidden(line, text)
        yield from _find_patterns(line, text)


def _escaped(template: Template, source: str) -> Iterator[tuple[int, str]]:
    """What stands in the parsed template and not in the source: text that was put as escapes, or
    over several lines."""
    literals: Iterator[Node] = template.find_all((Const, TemplateData))
    for node in literals:
        text = node.value if isinstance(node, Const) else getattr(node, "data", "")
        if isinstance(text, str) and (text not in source or "\n" in text):
            yield node.lineno, text


def _find_hidden(line: int, text: str) -> Iterator[Flaw]:
    if _PLAIN.fullmatch(text):
        return
    hidden = [char for char in text if _is_hidden(char)]
    if hidden:
        listed = " ".join(dict.fromkeys(f"U+{ord(char):04X}" for char in hidden[:20]))
        yield fail(HIDDEN, line, f"{len(hidden)} of them: {listed}")
    for word in _WORD.findall(text):
        if not word.isascii() and len({script for char in word if (script := _script(char))}) > 1:
            yield note(LOOKALIKE, line, word)


def _is_hidden(char: str) -> bool:
    if char in "\t\n\r":
        return False
    return unicodedata.category(char) in ("Cc", "Cf", "Co", "Cn", "Cs") or bool(_BLANKS.match(char))


def _script(char: str) -> str:
    """The script of a letter, where it is one whose letters look like another's."""
    name = unicodedata.name(char, "").split(" ", 1)[0]
    return name if name in _SCRIPTS else ""


def _find_patterns(line: int, text: str) -> Iterator[Flaw]:
    for found in _ACTIVE.finditer(text):
        yield fail(ACTIVE, line, found[0])
    for pattern, summary in ((_ADDRESS, ADDRESS), (_ORDERS, ORDERS), (_OPAQUE, OPAQUE)):
        for found in pattern.finditer(text):
            yield note(summary, line, found[0])
