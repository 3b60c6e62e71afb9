"""The reader against files that are whole, cut, and made to hurt."""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
import struct
import tracemalloc
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gguf_maker as maker
from localai.errors import DocumentError
from localai.gguf import reader
from localai.gguf.facts import Array, GgufFile
from localai.gguf.reader import read_gguf
from localai.gguf.types import TENSOR_TYPES, ValueType


def read(data: bytes) -> GgufFile:
    fd = os.memfd_create("test")
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(data)
        return read_gguf(fd, len(data))
    finally:
        os.close(fd)


def read_parts(**changes: object) -> GgufFile:
    return read(maker.Parts()._replace(**changes).bytes())  # type: ignore[arg-type]


def test_a_whole_model(tiny_bytes: bytes) -> None:
    file = read(tiny_bytes)
    assert (file.version, file.alignment, file.size) == (3, 32, len(tiny_bytes))
    assert (file.architecture, file.name, file.licence) == ("llama", "Tiny Test", "apache-2.0")
    assert file.context_length == maker.CONTEXT
    assert file.quantisation == "F32"
    assert len(file.tensors) == 3 + 9 * maker.LAYERS
    assert file.template == maker.TEMPLATE
    assert file.template_sha256 == hashlib.sha256(maker.TEMPLATE.encode()).hexdigest()
    assert file.parts == 1
    assert file.metadata["tokenizer.ggml.add_bos_token"] is True
    tokens = file.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, Array)
    assert tokens.kind is ValueType.STRING
    assert tiny_bytes[tokens.offset :].startswith(maker.string("<unk>"))
    last = file.tensors[-1]
    assert last.offset + last.size <= len(tiny_bytes) < last.offset + last.size + 32
    assert sum(tensor.elements for tensor in file.tensors) == file.parameters


def test_the_demo_model(demo_model: Path) -> None:
    fd = os.open(demo_model, os.O_RDONLY)
    try:
        file = read_gguf(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)
    assert (file.architecture, file.quantisation, file.licence) == ("llama", "Q4_1", "apache-2.0")
    assert file.parameters == 134_515_008
    assert file.context_length == 8192
    assert file.template is not None
    assert file.template.startswith("{% for message in messages %}")


def test_version_2_has_the_same_layout(tiny_bytes: bytes) -> None:
    assert read(tiny_bytes[:4] + struct.pack("<I", 2) + tiny_bytes[8:]).version == 2


def test_every_scalar_type() -> None:
    given = [
        (maker.U8, 200),
        (maker.I8, -100),
        (maker.U16, 60_000),
        (maker.I16, -30_000),
        (maker.U32, 4_000_000_000),
        (maker.I32, -2_000_000_000),
        (maker.F32, 0.5),
        (maker.BOOL, True),
        (maker.STRING, "text"),
        (maker.U64, 2**63),
        (maker.I64, -(2**63)),
        (maker.F64, 0.1),
    ]
    entries = tuple(maker.entry(f"k{kind}", kind, content) for kind, content in given)
    file = read_parts(entries=entries)
    assert [file.metadata[f"k{kind}"] for kind, _ in given] == [content for _, content in given]
    assert [file.types[f"k{kind}"] for kind, _ in given] == [kind for kind, _ in given]


def test_arrays_keep_their_first_elements_and_short_lists_of_words() -> None:
    entries = (
        maker.entry_array("numbers", maker.U16, list(range(1000))),
        maker.entry_array("truths", maker.BOOL, [True, False]),
        maker.entry_array("general.tags", maker.STRING, ["text", "chat"]),
        maker.entry("after", maker.STRING, "the arrays"),
    )
    file = read_parts(entries=entries)
    numbers, tags = file.metadata["numbers"], file.metadata["general.tags"]
    assert isinstance(numbers, Array)
    assert isinstance(tags, Array)
    assert (numbers.length, numbers.first) == (1000, tuple(range(512)))
    truths = file.metadata["truths"]
    assert isinstance(truths, Array)
    assert truths.first == (True, False)
    assert tags.first == ("text", "chat")
    assert file.metadata["after"] == "the arrays"


def test_a_tensor_without_elements_is_read_as_llama_cpp_does() -> None:
    tensors = (INFO("none", [32, 0], 0, 0), INFO("some", [8], 0, 0))
    none, some = read_parts(tensors=tensors, data=bytes(32)).tensors
    assert (none.size, none.offset, some.offset) == (0, some.offset, some.offset)


def test_without_tensors_the_data_begins_where_the_header_ends() -> None:
    assert read_parts(entries=(maker.entry("k", maker.U8, 1),)).data_offset == 24 + 8 + 1 + 4 + 1


def test_tokens_that_are_no_utf8_are_passed_over() -> None:
    tokens = maker.entry_array("tokenizer.ggml.tokens", maker.STRING, [b"\xff\xfe", b"\x80"])
    assert read_parts(entries=(tokens, maker.entry("k", maker.U8, 1))).metadata["k"] == 1


def test_a_window_that_ends_inside_a_string(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = maker.make_model()
    expected = read(whole)
    for window in (9, 64, 1000):
        monkeypatch.setattr(reader, "WINDOW", window)
        assert read(whole) == expected


def test_block_sizes_are_the_librarys() -> None:
    spec = find_spec("llama_cpp")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    place = Path(spec.submodule_search_locations[0]) / "lib" / "libggml-base.so"
    library = ctypes.CDLL(str(place))
    library.ggml_type_size.restype = ctypes.c_size_t
    library.ggml_blck_size.restype = ctypes.c_int64
    for number, kind in TENSOR_TYPES.items():
        ours = (kind.block, kind.size)
        assert ours == (library.ggml_blck_size(number), library.ggml_type_size(number)), kind.name


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
def test_what_is_no_gguf_is_named(data: bytes) -> None:
    with pytest.raises(DocumentError, match=LOOKS[data]) as refusal:
        read(data)
    assert refusal.value.hint


INFO = maker.tensor_info
HUGE = 2**64 - 1
HOSTILE: dict[str, tuple[dict[str, object], str]] = {
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
def test_hostile_headers_are_refused_without_memory(flaw: str) -> None:
    changes, message = HOSTILE[flaw]
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match=message) as refusal:
            read_parts(**changes)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
    assert refusal.value.hint


def test_texts_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_KEPT", 1000)
    entries = tuple(maker.entry(f"k{number}", maker.STRING, "x" * 90) for number in range(12))
    with pytest.raises(DocumentError, match="more than 1000 bytes of names and values"):
        read_parts(entries=entries)


def test_every_cut_is_noticed(tiny_bytes: bytes) -> None:
    header = read(tiny_bytes).data_offset
    cuts = [*range(0, 2000, 7), *random.Random(1).sample(range(2000, len(tiny_bytes)), 200), header]
    for cut in [*cuts, len(tiny_bytes) - 32]:
        with pytest.raises(DocumentError):
            read(tiny_bytes[:cut])


def test_a_file_that_shrinks_while_it_is_read(tiny_model: Path) -> None:
    fd = os.open(tiny_model, os.O_RDONLY)
    size = os.fstat(fd).st_size
    os.truncate(tiny_model, 500)
    try:
        with pytest.raises(DocumentError, match="truncated"):
            read_gguf(fd, size)
    finally:
        os.close(fd)


WHOLE = maker.make_model()
HEADER = read(WHOLE).data_offset


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_read_or_refused_but_never_a_bug(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, HEADER))
        new = data.draw(st.binary(min_size=1, max_size=8))
        whole[place : place + len(new)] = new
    try:
        file = read(bytes(whole))
    except DocumentError:
        return
    assert all(tensor.offset + tensor.size <= len(whole) for tensor in file.tensors)
