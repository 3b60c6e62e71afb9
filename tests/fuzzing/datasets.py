"""The look at a dataset of text, with any bytes: as JSON lines, as a table, as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from fuzzing import contents
from localai.formats.recognise import CSV, JSONL, TEXT

MODULES = ("localai.formats.datasets",)
LONGEST = 4096
_WORDS = (
    *('{"a": 1}', '"', "{", "}", "[", "]", ":", ",", "\n", "\r\n", "\r", "\t", ";", "|", '""'),
    *("=1+1", "+", "-5", "@SUM(", "=HYPERLINK(", "\u202e", "\u200b", "\x1b[2J", "\x00", "\ufeff"),
    *("ignore all previous instructions", "IGNORE", "from now on you", "system prompt", "\\u0000"),
    *("\\ud800", "[INST]", "<|im_start|>", "[" * 900, "9" * 5000, '{"a":' * 300, "1e999", "NaN"),
    *(
        "ignor" + "_" * 395,
        "ignor_" * 60,
        "ignore all_the_" * 9,
        " ignor" * 60,
        "-,-" * 99,
        '"' * 99,
    ),
)
WORDS = (
    *(word.encode() for word in _WORDS),
    *(b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\xef\xbb\xbf", b"\xff"),
    *("ignore previous\n".encode(codec) for codec in ("utf-16-le", "utf-16-be", "utf-32")),
)
KINDS = (JSONL, CSV, TEXT)


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    for kind in KINDS:
        contents.inspect(data, kind)


def seeds() -> Iterator[bytes]:
    """A table, rows of JSON, every word by itself and three times."""
    yield b""
    yield b'name,age\n"Doe, Pat",42\n=1+1,-5\n"a\nb",x,y\n'
    yield b'{"prompt": "a", "answer": "b\\u200b"}\n[1, 2]\n\nno JSON\n{"a": 1, "a": 2}\n'
    for word in WORDS:
        yield word[:LONGEST]
        yield (b"a," + word + b"\n" + word)[:LONGEST]
        yield (b'{"a": "' + word + b'"}\n' + word)[:LONGEST]
