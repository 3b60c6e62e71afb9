"""Telling what a file is, and the look at it that follows, with any bytes under any name."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import gguf_maker as maker
from fuzzing import contents
from fuzzing.judge import Broken, opened
from localai.errors import DocumentError
from localai.formats.format import Kind
from localai.formats.recognise import recognise

MODULES = ("localai.formats.recognise", "localai.formats.inspect", "localai.formats.refused")
LONGEST = 8192
NAMES = ("a", "a.csv", "a.jsonl", "a.parquet", "a.safetensors", "a.pt", "a.json", "A.TXT", "a.npz")
WORDS = (
    *(b"GGUF", b"PK\x03\x04", b"PK\x05\x06", b"PAR1", b"\x93NUMPY", b"\x89HDF\r\n\x1a\n", b"ustar"),
    *(
        b"\x80\x02}q\x00",
        b"\x80\x04\x95",
        b"TFL3",
        b"ORC",
        b"<html",
        b"\x78\x9c",
        b"joblib",
        b"BZh",
    ),
    *(b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"cos\nsystem\n", b"(dp0\n", b"%PDF-", b"\x7fELF", b"MZ"),
    *(b"data.pkl", b"'descr': '|O'", b"RDX3\n", b"\xff\xfe", b"#!/bin/sh\n", b"SIMPLE  ="),
)


def prepare() -> None:
    """Nothing: the caps are those of every inspection."""


def run(data: bytes) -> None:
    for name in NAMES:
        with opened(data) as (fd, size):
            try:
                found = recognise(fd, size, name)
            except DocumentError:
                continue
        if not found.name or (found.kind is Kind.REFUSED) != bool(found.why and found.remedy):
            raise Broken(f"{found} says nothing")
        if found.kind is Kind.REFUSED:
            contents.inspect(data, found)


def seeds() -> Iterator[bytes]:
    """Every beginning, and what ends like an archive."""
    yield b""
    yield maker.Parts().bytes()
    for word in WORDS:
        yield word + bytes(64)
        yield b"text, " + word + b"\n"
    yield bytes(257) + b"ustar" + bytes(300)
    yield b"a,b\n1,2\nPK\x05\x06" + bytes(18)
    yield b"PK\x03\x04" + bytes(22) + struct.pack("<HH", 8, 0) + b"data.pkl"
