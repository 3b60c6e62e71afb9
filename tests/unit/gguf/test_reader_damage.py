"""The reader and all that judge its facts, against every small damage to a sound file."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

import gguf_maker as maker
from localai.errors import DocumentError
from localai.gguf import cursor
from localai.gguf.check import check_structure
from localai.gguf.facts import GgufFile
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.reader import read_gguf

ENTRIES = (
    maker.entry("general.architecture", maker.STRING, "llama"),
    maker.entry("general.alignment", maker.U32, 32),
    maker.entry("truth", maker.BOOL, True),
    maker.entry("wide", maker.F64, 0.1),
    maker.entry_array("numbers", maker.I16, [1, 2, 3]),
    maker.entry_array("words", maker.STRING, ["one", "two"]),
    maker.entry_array("tokenizer.ggml.tokens", maker.STRING, ["a", "b"]),
)
TENSORS = (
    maker.tensor_info("first", [4, 2], 0, 0),
    maker.tensor_info("second", [32], 2, 32),
)
SMALL = maker.Parts(ENTRIES, TENSORS, bytes(range(32)) + bytes(32)).bytes()

# What every length, count, offset and type is tried with.
EXTREMES = (0, 1, 3, 31, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**63)
WRAPS = (2**64 - 64, 2**64 - 32, 2**64 - 8, 2**64 - 1)


@pytest.fixture
def memory() -> Iterator[int]:
    """A file that exists in memory only."""
    fd = os.memfd_create("test")
    yield fd
    os.close(fd)


def read(fd: int, data: bytes) -> GgufFile | None:
    """What the reader makes of ``data``, None if it refuses it with one line and a hint."""
    os.ftruncate(fd, len(data))
    os.pwrite(fd, data, 0)
    try:
        return read_gguf(fd, len(data))
    except DocumentError as error:
        assert error.hint
        assert error.message.isprintable()
        assert len(error.message) < 300
        return None


def judge(fd: int, file: GgufFile) -> None:
    """What the reader lets pass must be sound, and every judge must come to an end with it."""
    for tensor in file.tensors:
        assert file.data_offset <= tensor.offset <= tensor.offset + tensor.size <= file.size
    check_structure([file])
    for finding in inspect([OpenGguf(fd, file)]):
        assert finding.summary.isprintable()
        assert finding.evidence.replace("\n", "").isprintable()


def test_the_file_is_sound_before_it_is_damaged(memory: int) -> None:
    file = read(memory, SMALL)
    assert file is not None
    assert [tensor.size for tensor in file.tensors] == [32, 18]
    assert not [finding for finding in check_structure([file]) if finding.refuses]


def test_every_bit_flipped_in_turn_is_refused_or_seen(memory: int) -> None:
    """Each of the header's bits says something: what differs is refused, or is another fact."""
    sound = read(memory, SMALL)
    assert sound is not None
    tokens = sound.metadata["tokenizer.ggml.tokens"]
    assert not isinstance(tokens, int | float | str)
    texts = {tokens.offset + 8, tokens.offset + 17}  # of the two tokens, which are not kept
    padding = range(SMALL.index(b"second") + 6 + 4 + 8 + 4 + 8, sound.data_offset)
    unseen = set()
    for place in range(sound.data_offset):
        for bit in range(8):
            damaged = bytearray(SMALL)
            damaged[place] ^= 1 << bit
            file = read(memory, bytes(damaged))
            if file is not None:
                judge(memory, file)
                if file._replace(seen=sound.seen) == sound:
                    unseen.add(place)
    assert unseen == {*texts, *padding}


@pytest.mark.parametrize("window", [9, 100, cursor.WINDOW])
def test_every_bit_that_was_looked_at_makes_another_file(
    memory: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "WINDOW", window)
    sound = read(memory, SMALL)
    assert sound is not None
    assert cursor.reads_alike(memory, sound)
    looked_at = {at for start, length in sound.seen.windows for at in range(start, start + length)}
    # The reader stops where the last tensor is described; the rest may lie in its last window.
    assert looked_at >= set(range(sound.header_end))
    for place in range(len(SMALL)):
        for bit in range(8):
            damaged = bytearray(SMALL)
            damaged[place] ^= 1 << bit
            os.pwrite(memory, damaged, 0)
            assert cursor.reads_alike(memory, sound) is (place not in looked_at)
    os.ftruncate(memory, sound.header_end - 1)
    assert not cursor.reads_alike(memory, sound)


@pytest.mark.parametrize("byte", [0x00, 0x0A, 0x80, 0xFF])
def test_every_byte_replaced_in_turn(memory: int, byte: int) -> None:
    for place in range(len(SMALL)):
        damaged = SMALL[:place] + bytes([byte]) + SMALL[place + 1 :]
        file = read(memory, damaged)
        if file is not None:
            judge(memory, file)


def test_every_prefix_is_refused(memory: int) -> None:
    """The last bytes are padding, which no tensor needs."""
    needed = len(SMALL) - 32 + 18
    for length in range(len(SMALL)):
        file = read(memory, SMALL[:length])
        assert (file is None) == (length < needed), length


@pytest.mark.parametrize("code", ["<I", "<Q"])
@pytest.mark.parametrize("number", [*EXTREMES, *WRAPS])
def test_every_place_with_every_extreme(memory: int, code: str, number: int) -> None:
    """At every byte, so that each count, length, offset and type has been each of them."""
    extreme = struct.pack(code, number % 2 ** (8 * struct.calcsize(code)))
    for place in range(4, len(SMALL) - len(extreme)):
        damaged = SMALL[:place] + extreme + SMALL[place + len(extreme) :]
        file = read(memory, damaged)
        if file is not None:
            judge(memory, file)


def test_every_order_of_two_entries_and_every_entry_missing(memory: int) -> None:
    for number in range(len(ENTRIES)):
        fewer = (*ENTRIES[:number], *ENTRIES[number + 1 :])
        file = read(memory, maker.Parts(fewer, TENSORS, SMALL[-64:]).bytes())
        assert file is not None
        judge(memory, file)
        turned = (*ENTRIES[number:], *ENTRIES[:number])
        same = read(memory, maker.Parts(turned, TENSORS, SMALL[-64:]).bytes())
        assert same is not None
        assert same.tensors == read_whole(memory).tensors


def read_whole(fd: int) -> GgufFile:
    file = read(fd, SMALL)
    assert file is not None
    return file
