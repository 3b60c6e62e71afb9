"""The look at a chat template, with any text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf_maker as maker
from fuzzing.judge import Broken
from localai.findings import Finding, Verdict
from localai.gguf.template import inspect_template

MODULES = ("localai.gguf.template", "localai.dialect")
LONGEST = 4096
VECTORS = Path(__file__).parents[1] / "vectors" / "template"
_WORDS = (
    *("{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "messages", "message.role", "loop.index"),
    *("for m in messages", "endfor", "if ", "elif ", "else", "endif", "set x = ", "endset"),
    *("macro m(a)", "endmacro", "call m()", "endcall", "filter upper", "endfilter", "block b"),
    *("endblock", "include 'a'", "import 'a' as b", "from 'a' import b", "extends 'a'", "raw"),
    *("endraw", "with a = 1", "endwith", "generation", "endgeneration", "break", "continue"),
    *("__class__", "'__cl' ~ 'ass__'", "|attr(", "|map(attribute=", "|join", "|format(", "|tojson"),
    *("range(", "10 ** 9", "'a' * 99999999", "namespace(", "cycler(", "joiner(", "lipsum("),
    *("strftime_now('%Y')", "raise_exception('x')", "is defined", "not in ", "'system'", "[::-1]"),
    *("(" * 50, "[" * 50, "not " * 50, "-" * 50, "~'a'" * 50, "{% if a %}" * 30, "\\u200b"),
    *("\u200b", "\u202e", "\U000e0041", "\x1b]0;", "https://example.org/", "<script>", "9" * 5000),
    *("ignore previous instructions", "data:text/html;base64,", "0x1e999", "1e999", "\x00"),
)
WORDS = tuple(word.encode() for word in _WORDS)


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    inspect(data.decode("utf-8", "replace"))


def inspect(source: str) -> tuple[Finding, ...]:
    """The findings about ``source``, each of which says what it means."""
    findings = inspect_template("tokenizer.chat_template", source)
    if not findings:
        raise Broken("nothing was checked")
    for finding in findings:
        if finding.check != "chat-template" or not finding.summary or not finding.evidence:
            raise Broken(f"{finding} says nothing")
        if finding.verdict not in (Verdict.PASS, Verdict.NOTE, Verdict.FAIL):
            raise Broken(f"{finding} is no answer")
        if not finding.evidence.isascii() or not finding.evidence.isprintable():
            raise Broken(f"{finding.evidence!r} is not fit for a screen")
        if len(finding.evidence) > 2000:
            raise Broken(f"{len(finding.evidence)} characters of evidence for {finding.summary}")
    return findings


def seeds() -> Iterator[bytes]:
    """An honest template, the tests' bad ones, every word, and nests."""
    yield maker.TEMPLATE.encode()
    vectors = (path.read_bytes() for path in sorted(VECTORS.glob("*.jinja")))
    yield from (vector for vector in vectors if len(vector) <= LONGEST)
    yield b"".join(b"{{ " + word + b" }}{% " + word + b" %}" for word in WORDS)[:LONGEST]
    for word in WORDS:
        yield b"{{ " + word[: LONGEST - 40] + b" }}"
        yield b"{% " + word[: LONGEST - 40] + b" %}{{ a }}{% endfor %}"
