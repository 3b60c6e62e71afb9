"""The reader against files that are whole, cut, and made to hurt."""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
import struct
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gguf_maker as maker
from localai.errors import DocumentError
from localai.gguf import cursor
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
    tensors = (maker.tensor_info("none", [32, 0], 0, 0), maker.tensor_info("some", [8], 0, 0))
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
        monkeypatch.setattr(cursor, "WINDOW", window)
        assert read(whole)._replace(seen=expected.seen) == expected


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


def test_every_cut_is_noticed(tiny_bytes: bytes) -> None:
    header = read(tiny_bytes).data_offset
    cuts = [*range(0, 2000, 7), *random.Random(1).sample(range(2000, len(tiny_bytes)), 200), header]
    for cut in [*cuts, len(tiny_bytes) - 32]:
        with pytest.raises(DocumentError):
            read(tiny_bytes[:cut])


def test_a_file_that_cannot_be_read(tiny_model: Path) -> None:
    fd = os.open(tiny_model, os.O_WRONLY)
    try:
        with pytest.raises(DocumentError, match="cannot read the file: Bad file descriptor"):
            read_gguf(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)


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
