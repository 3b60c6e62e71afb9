"""Headers that are made to hurt: each flaw is refused for what it is, in one line, at no cost."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

import gguf_maker as maker
from localai.errors import DocumentError
from localai.gguf import cursor
from localai.gguf.inspect import OpenGguf

Opened = Callable[[bytes], OpenGguf]
Changes = dict[str, Any]

INFO = maker.tensor_info
HUGE = 2**64 - 1
HOSTILE: dict[str, tuple[Changes, str]] = {
    "entry count": ({"entry_count": HUGE}, "metadata entries, more than"),
    "tensor count": ({"tensor_count": HUGE}, "tensors, more than"),
    "entries that are not there": ({"entry_count": 16_000}, "an empty key"),
    "key with a zero byte": (
        {"entries": (maker.entry("general.name\0", 0, 1),)},
        "a key with a zero byte",
    ),
    "text with a zero byte": (
        {"entries": (maker.entry("k", maker.STRING, "one\0two"),)},
        "a text under 'k' with a zero byte",
    ),
    "tensor name with a zero byte": (
        {"tensors": (INFO("t\0u", [8], 0, 0),), "data": bytes(64)},
        "a tensor's name with a zero byte",
    ),
    "tensor name of 64 bytes": (
        {"tensors": (INFO("t" * 64, [8], 0, 0),), "data": bytes(64)},
        "a tensor's name of 64 bytes",
    ),
    "key length": ({"entries": (struct.pack("<Q", HUGE) + b"x" * 64,)}, "a key of"),
    "text length": (
        {"entries": (maker.string("k") + struct.pack("<IQ", maker.STRING, HUGE),)},
        "a text under 'k' of",
    ),
    "text beyond the end": (
        {"entries": (maker.string("k") + struct.pack("<IQ", maker.STRING, 4000),)},
        "truncated",
    ),
    "a million keys": ({"entry_count": 1_000_000}, "1000000 metadata entries, more than 16384"),
    "key twice": ({"entries": (maker.entry("k", 0, 1), maker.entry("k", 0, 2))}, "'k' twice"),
    "key not UTF-8": ({"entries": (maker.entry(b"\xff", 0, 1),)}, "not UTF-8"),
    "value type": ({"entries": (maker.string("k") + struct.pack("<II", 13, 0),)}, "value type 13"),
    "truth value": (
        {"entries": (maker.string("k") + struct.pack("<IB", maker.BOOL, 2),)},
        "truth value of 2",
    ),
    "array count": ({"entries": (maker.entry_array("k", 0, [], HUGE),)}, "array elements"),
    "array beyond the end": (
        {"entries": (maker.entry_array("k", maker.U64, [], 1 << 20),)},
        "truncated",
    ),
    "strings beyond the end": (
        {"entries": (maker.entry_array("k", maker.STRING, [], 1 << 20),)},
        "truncated",
    ),
    "string in an array beyond the end": (
        {
            "entries": (
                maker.string("tokenizer.ggml.x")
                + struct.pack("<IIQQ", maker.ARRAY, maker.STRING, 20, HUGE),
            )
        },
        "truncated",
    ),
    "nested arrays": (
        {"entries": (maker.string("k") + struct.pack("<IIQ", 9, 9, 1) + bytes(64),)},
        "array of arrays",
    ),
    "alignment 0": ({"entries": (maker.entry("general.alignment", 4, 0),)}, "alignment of 0"),
    "alignment 48": ({"entries": (maker.entry("general.alignment", 4, 48),)}, "alignment of 48"),
    "alignment 2^31": (
        {"entries": (maker.entry("general.alignment", 4, 2**31),)},
        "alignment of 2147483648",
    ),
    "alignment text": (
        {"entries": (maker.entry("general.alignment", 8, "32"),)},
        "alignment of type STRING",
    ),
    "alignment signed": (
        {"entries": (maker.entry("general.alignment", maker.I32, 32),)},
        "alignment of type INT32",
    ),
    "no dimension": ({"tensors": (INFO("t", [], 0, 0),), "data": bytes(64)}, "0 dimensions"),
    "five dimensions": ({"tensors": (INFO("t", [1] * 5, 0, 0),)}, "5 dimensions"),
    "2^32 dimensions": (
        {"tensors": (maker.string("t") + struct.pack("<I", 2**32 - 1),)},
        "4294967295 dimensions",
    ),
    "product that wraps to nothing": (
        {"tensors": (INFO("t", [2**62, 2**62, 0], 0, 0),), "data": bytes(64)},
        "shape",
    ),
    "half a block": ({"tensors": (INFO("t", [16], 2, 0),), "data": bytes(64)}, "shape"),
    "product that wraps": (
        {"tensors": (INFO("t", [2**32, 2**32, 2, 1], 0, 0),), "data": bytes(64)},
        "shape",
    ),
    "removed type": ({"tensors": (INFO("t", [32], 4, 0),), "data": bytes(64)}, "tensor type 4"),
    "offset beyond the end": (
        {"tensors": (INFO("t", [8], 0, 1 << 40),), "data": bytes(64)},
        "truncated GGUF: tensor 't'",
    ),
    "offset that wraps": (
        {"tensors": (INFO("t", [8], 0, 2**64 - 32),), "data": bytes(64)},
        "truncated GGUF: tensor 't'",
    ),
    "offset unaligned": ({"tensors": (INFO("t", [8], 0, 4),), "data": bytes(64)}, "not aligned"),
    "one name twice": (
        {"tensors": (INFO("t", [8], 0, 0), INFO("t", [8], 0, 32)), "data": bytes(64)},
        "two tensors of one name",
    ),
}


@pytest.mark.parametrize("flaw", HOSTILE)
def test_hostile_headers_are_refused_without_memory(opened: Opened, flaw: str) -> None:
    changes, message = HOSTILE[flaw]
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match=message) as refusal:
            opened(maker.Parts()._replace(**changes).bytes())
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
    assert refusal.value.hint


DECEIVING = "one\ntwo\u202egnp.\x1b[2J\u200b"


@pytest.mark.parametrize(
    "changes",
    [
        {"entries": (maker.entry(DECEIVING, maker.U8, 1),) * 2},
        {"entries": (maker.entry("long" * 9000, maker.U8, 1),) * 2},
        {"entries": (maker.string(DECEIVING) + struct.pack("<I", 99),)},
        {"entries": (maker.entry(DECEIVING, maker.STRING, b"\xff"),)},
        {"entries": (maker.entry_array(DECEIVING, maker.ARRAY, []),)},
        {"tensors": (INFO(DECEIVING, [8], 99, 0),)},
        {"tensors": (INFO(DECEIVING, [8], 0, 0),)},
        {"entries": (maker.entry("general.alignment", maker.STRING, DECEIVING * 1000),)},
    ],
)
def test_a_message_is_one_short_line_whatever_the_names(opened: Opened, changes: Changes) -> None:
    with pytest.raises(DocumentError) as refusal:
        opened(maker.Parts()._replace(**changes).bytes())
    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 200


def test_texts_together_have_a_limit(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "MAX_KEPT", 1000)
    entries = tuple(maker.entry(f"k{number}", maker.STRING, "x" * 90) for number in range(12))
    with pytest.raises(DocumentError, match="names and values that take more than 1000 bytes"):
        opened(maker.Parts(entries).bytes())
