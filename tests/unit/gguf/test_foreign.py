"""Files that are no GGUF, or none that llama.cpp reads here."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from localai.errors import DocumentError
from localai.gguf.inspect import OpenGguf

Opened = Callable[[bytes], OpenGguf]

LOOKS = {
    b"": "empty file",
    b"GGUF\x03\x00\x00\x00": "a file of 8 bytes",
    b"PK\x03\x04" + bytes(40): "ZIP",
    b"\x80\x02}q\x00" + bytes(40): "pickle",
    struct.pack("<Q", 100) + b'{"__metadata__"' + bytes(40): "safetensors",
    b"\x89HDF\r\n\x1a\n" + bytes(40): "Keras",
    b"lmgg" + bytes(40): "before GGUF",
    b"version https://git-lfs.github.com/spec/v1\n": "LFS pointer",
    b"<!DOCTYPE html><html><head></head></html>": "web page",
    b"GGUF" + struct.pack(">I", 3) + bytes(40): "big-endian version 3",
    b"GGUF" + struct.pack("<I", 1) + bytes(40): "version 1",
    b"GGUF" + struct.pack("<I", 4) + bytes(40): "version 4",
}


@pytest.mark.parametrize("data", LOOKS, ids=LOOKS.values())
def test_what_is_no_gguf_is_named(opened: Opened, data: bytes) -> None:
    with pytest.raises(DocumentError, match=LOOKS[data]) as refusal:
        opened(data)
    assert refusal.value.hint
