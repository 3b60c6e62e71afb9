"""Files that exist in memory only, opened and read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from localai.gguf.inspect import OpenGguf
from localai.gguf.reader import read_gguf

Opened = Callable[[bytes], OpenGguf]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """A function from the bytes of a well-formed GGUF to the open file."""
    descriptors = []

    def open_bytes(content: bytes) -> OpenGguf:
        fd = os.memfd_create("test")
        descriptors.append(fd)
        with os.fdopen(os.dup(fd), "wb") as stream:
            stream.write(content)
        return OpenGguf(fd, read_gguf(fd, len(content)))

    yield open_bytes
    for fd in descriptors:
        os.close(fd)
