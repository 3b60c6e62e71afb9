"""The elements of long arrays, read where they lie."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import pytest

import gguf_maker as maker
from localai.errors import DocumentError
from localai.gguf import elements
from localai.gguf.elements import each_batch, each_window, find_number
from localai.gguf.facts import Array
from localai.gguf.inspect import OpenGguf

Opened = Callable[[bytes], OpenGguf]

TOKENS = [b"", b"a", b"\xff\xfe", b"long" * 500, "\u2581the".encode(), b""]
SCORES = [0.0, -1.5, 2.0**100]
TYPES = [*range(-500, 4), 3, *range(4, 498), 3]
FILE = maker.Parts(
    (
        maker.entry_array("tokenizer.ggml.tokens", maker.STRING, TOKENS),
        maker.entry_array("tokenizer.ggml.scores", maker.F32, SCORES),
        maker.entry_array("none", maker.STRING, []),
        maker.entry_array("tokenizer.ggml.token_type", maker.I32, TYPES),
        maker.entry_array("ones", maker.U8, [1] * 100),
    )
).bytes()


@pytest.fixture(params=[1 << 18, 64, 8])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strings lie within a window, across two and across many."""
    monkeypatch.setattr(elements, "WINDOW", request.param)


def find(opened: Opened, key: str) -> tuple[int, Array]:
    fd, header = opened(FILE)
    array = header.metadata[key]
    assert isinstance(array, Array)
    return fd, array


@pytest.mark.usefixtures("window")
def test_strings_are_what_was_written(opened: Opened) -> None:
    batches = each_batch(*find(opened, "tokenizer.ggml.tokens"))
    assert [string for batch in batches for string in batch] == TOKENS
    assert not any(each_batch(*find(opened, "none")))


@pytest.mark.usefixtures("window")
def test_a_number_is_found_wherever_it_stands(opened: Opened) -> None:
    types = find(opened, "tokenizer.ggml.token_type")
    assert list(find_number(*types, 3)) == [503, 504, 999]
    assert list(find_number(*types, 1000)) == []
    assert list(find_number(*find(opened, "ones"), 1)) == list(range(100))
    assert list(find_number(*find(opened, "tokenizer.ggml.scores"), 2**100)) == [2]


@pytest.mark.usefixtures("window")
def test_windows_are_the_bytes_of_the_array(opened: Opened) -> None:
    whole = b"".join(map(maker.string, TOKENS))
    fd, array = find(opened, "tokenizer.ggml.tokens")
    assert b"".join(each_window(fd, array)) == whole
    assert array.size == len(whole)


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize("change", ["shorter", "longer string", "more strings"])
def test_a_file_that_changed_is_noticed(opened: Opened, change: str) -> None:
    fd, array = find(opened, "tokenizer.ggml.tokens")
    if change == "shorter":
        os.ftruncate(fd, array.offset + array.size - 1)
    elif change == "longer string":
        os.pwrite(fd, struct.pack("<Q", 2**64 - 1), array.offset + 8)
    else:
        place = array.offset + FILE[array.offset :].index(struct.pack("<Q", 2000))
        os.pwrite(fd, struct.pack("<Q", 2000 - 16), place)
        os.pwrite(fd, bytes(16), place + 8 + 2000 - 16)
    with pytest.raises(DocumentError, match="changed while it was read"):
        list(each_batch(fd, array))
