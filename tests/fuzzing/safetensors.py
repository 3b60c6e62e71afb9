"""The safetensors reader, with any bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from fuzzing import contents
from localai.formats.recognise import SAFETENSORS

MODULES = ("localai.formats.safetensors",)
LONGEST = 2048
WORDS = (
    *(b'{"', b'":', b'"}', b"{}", b"[]", b"[0,", b",", b'"__metadata__":{', b'"dtype":"F32"'),
    *(b'"shape":[', b'"data_offsets":[0,4]', b'"BF16"', b'"F4"', b"1e999", b"-0", b"NaN", b"1.0"),
    *(
        b"\\u0000",
        b"\\ud800",
        b"9" * 5000,
        b"[" * 900,
        b'"\\"',
        b"true",
        b"null",
        b"18446744073709551616",
    ),
    *((1 << power).to_bytes(8, "little") for power in (3, 6, 8, 24, 31, 32, 62, 63)),
)


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    contents.inspect(data, SAFETENSORS)
    if len(data) >= 8:  # the length right, as no mutation gets it: whatever the rest is, is header
        contents.inspect(struct.pack("<Q", len(data) - 8) + data[8:], SAFETENSORS)


def file(header: dict[str, object], data: int) -> bytes:
    """A file with this header and so many bytes of data."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def tensor(begin: int, end: int, *shape: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def seeds() -> Iterator[bytes]:
    """Whole files, and some with one thing wrong."""
    yield b""
    yield file({}, 0)
    yield file({"__metadata__": {"format": "pt"}, "a": tensor(0, 8, 2), "b": tensor(8, 12)}, 12)
    yield file({"a": tensor(0, 4, 2, 2, dtype="F8_E4M3")}, 4)
    yield file({"a": tensor(0, 8, 2), "b": tensor(4, 12, 2)}, 12)
    yield file({"a": tensor(0, 0, 0)}, 0)
    yield file({"a": tensor(0, 4, 1 << 62, 1 << 62)}, 4)
    yield file({"__metadata__": {"k\u202e": "v"}, "a\n": tensor(0, 4, 1)}, 4)
