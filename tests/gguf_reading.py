"""What the reader makes of a file that is put together in memory."""

from __future__ import annotations

import os

import gguf_maker as maker
from localai.gguf.facts import GgufFile
from localai.gguf.reader import read_gguf


def read(parts: maker.Parts) -> GgufFile:
    """The header of a file of these parts."""
    data = parts.bytes()
    fd = os.memfd_create("test")
    try:
        os.write(fd, data)
        return read_gguf(fd, len(data))
    finally:
        os.close(fd)
