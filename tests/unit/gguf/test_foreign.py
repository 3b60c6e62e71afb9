"""Files that are no GGUF, or none that llama.cpp reads here."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from llama_gguf import LlamaCpp
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


def whole_file(order: str, version: int) -> bytes:
    """One entry and one tensor in bytes of either order; in version 1 lengths had 32 bits."""
    long = "I" if version == 1 else "Q"

    def pack(codes: str, *numbers: int) -> bytes:
        return struct.pack(order + codes, *numbers)

    head = b"GGUF" + pack(f"I{long}{long}", version, 1, 1)
    head += pack(long, 3) + b"key" + pack("II", 4, 7)
    head += pack(long, 1) + b"t" + pack(f"I{long}IQ", 1, 8, 0, 0)
    return head + bytes(-len(head) % 32 + 32)


@pytest.mark.parametrize(
    ("order", "version", "message"),
    [
        (">", 3, "big-endian version 3"),
        (">", 2, "big-endian version 2"),
        (">", 1, "big-endian version 1"),
        ("<", 1, "of version 1, of 2023"),
        ("<", 0, "of version 0"),
        ("<", 4, "of version 4"),
    ],
)
def test_llama_cpp_reads_none_of_them_either(
    opened: Opened, order: str, version: int, message: str
) -> None:
    document = whole_file(order, version)
    with pytest.raises(DocumentError, match=f"{message}.*; expected little-endian 2 or 3"):
        opened(document)
    llama = LlamaCpp()
    try:
        assert llama.read(document).facts is None
        assert llama.read(whole_file("<", 2)).facts is not None
    finally:
        llama.close()
    assert opened(whole_file("<", 2)).header.metadata == {"key": 7}
