"""The header of a safetensors file: whole, cut, and made to hurt."""

from __future__ import annotations

import json
import tempfile

import pytest
from looking import look, measure_peak

import formats_maker as maker
from localai.errors import DocumentError
from localai.formats import safetensors
from localai.formats.safetensors import SafetensorsFile, Tensor, read_safetensors


def read(data: bytes) -> SafetensorsFile:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_safetensors(file.fileno(), len(data))


def one(**changes: object) -> dict[str, object]:
    """A header of one tensor of 12 bytes, changed."""
    return {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]} | changes}


def test_a_whole_file() -> None:
    header = {"__metadata__": {"format": "pt"}, **maker.TENSORS}
    file = read(maker.safetensors(header))
    assert file.tensors == (
        Tensor("a.weight", "F32", (3, 4), 0, 48),
        Tensor("b.weight", "BF16", (5,), 48, 58),
    )
    assert file.metadata == {"format": "pt"}
    assert file.parameters == 17
    found = look(maker.safetensors(header), "model.safetensors")
    assert found.facts["parameters"] == 17
    assert found.facts["dtypes"] == ("F32 (1)", "BF16 (1)")
    assert found.facts["metadata"] == ("format: pt",)
    assert found.failed == {}
    assert "weights alone" in found.notes
    assert found.said["sound"].startswith("2 tensors")


GOOD = {
    "no tensor": maker.safetensors({}, 0),
    "a scalar": maker.safetensors(one(shape=[], data_offsets=[0, 4]), 4),
    "an empty tensor": maker.safetensors(one(shape=[0, 3], data_offsets=[0, 0]), 0),
    "six bits an element": maker.safetensors(
        one(dtype="F6_E2M3", shape=[4], data_offsets=[0, 3]), 3
    ),
    "spaces behind": maker.safetensors(json.dumps(one()).encode() + b"   ", 12),
    "escapes in a name": maker.safetensors(json.dumps({"ä\n": one()["a"]}).encode(), 12),
    "braces in texts": maker.safetensors({"__metadata__": {"a": '{"b": "}"}'}, **one()}, 12),
    "tensors in another order": maker.safetensors(dict(reversed(maker.TENSORS.items()))),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_a_sound_file_is_read(data: bytes) -> None:
    read(data)


BIG = (1 << 63) - 1
HEADERS: dict[str, tuple[dict[str, object] | bytes, int]] = {
    "malformed safetensors: no '{'": (b" {}", 0),
    "a list": (b"[{}]", 0),
    "no ','": (b"{} {", 0),
    "something behind": (b"{}x", 0),
    "not that name in quotes": (b"{a: 1}", 0),
    "no end": (b'{"a": {"dtype": "F32"', 0),
    "a comma too much": (json.dumps(one()).encode()[:-1] + b",}", 12),
    "no UTF-8": (b'{"\xff": 1}', 0),
    "the same name": (b'{"a": 1, "a": 1}'.replace(b"1", json.dumps(one()["a"]).encode()), 12),
    "the same name, escaped": (
        b'{"a": 1, "\\u0061": 1}'.replace(b"1", json.dumps(one()["a"]).encode()), 12),
    "a key twice": (
        b'{"a": {"dtype": "F32", "dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}', 12),
    "an unknown type": (one(dtype="Q4_0"), 12),
    "a type that is no text": (one(dtype=["F32"]), 12),
    "no shape": ({"a": {"dtype": "F32", "data_offsets": [0, 12]}}, 12),
    "one key more": (one(more=1), 12),
    "a shape that is true": (one(shape=[True], data_offsets=[0, 4]), 4),
    "a negative shape": (one(shape=[-3]), 12),
    "two negative lengths": (one(shape=[-3, -1]), 12),
    "a shape in fractions": (one(shape=[3.0]), 12),
    "a shape that is a number": (one(shape=3), 12),
    "more dimensions than any": (one(shape=[1] * 15 + [3, 1]), 12),
    "a product of 2^126": (one(shape=[BIG, BIG]), 12),
    "a length of 2^64": (one(shape=[1 << 64]), 12),
    "a wrap to 12 bytes": (one(shape=[(1 << 62) + 3]), 12),
    "an offset of -0": (b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[-0,1]}}', 1),
    "offsets in reverse": (one(data_offsets=[12, 0]), 12),
    "one offset": (one(data_offsets=[12]), 12),
    "offsets beyond the file": (one(data_offsets=[1 << 40, (1 << 40) + 12]), 12),
    "a gap before": (one(data_offsets=[4, 16]), 16),
    "bytes behind": (one(), 13),
    "a byte too few": (one(), 11),
    "overlap": ({**one(), "b": one()["a"]}, 12),
    "overlap by a byte": (
        {**one(), "b": {"dtype": "U8", "shape": [4], "data_offsets": [11, 15]}}, 15),
    "metadata of numbers": ({"__metadata__": {"a": 1}}, 0),
    "metadata of objects": (b'{"__metadata__": {"a": {"b": "c"}}}', 0),
    "metadata that is a list": (b'{"__metadata__": []}', 0),
    "metadata twice": (b'{"__metadata__": {}, "__metadata__": {}}', 0),
    "a name of 2,000": ({"a" * 2000: one()["a"]}, 12),
    "brackets 4,000 deep": (b'{"a": {"shape": ' + b"[" * 4000 + b"]" * 4000 + b"}}", 0),
    "brackets 1,000,000 deep": (b'{"a": ' + b"[" * 10**6, 0),
    "a number of 4,000 digits": (b'{"a": {"dtype":"U8","shape":[' + b"9" * 4000 + b"]}}", 0),
    "braces 1,000,000 deep": (b'{"a":' * 10**6, 0),
}  # fmt: skip


@pytest.mark.parametrize(("header", "data"), HEADERS.values(), ids=HEADERS)
def test_a_malformed_header_is_refused(header: dict[str, object] | bytes, data: int) -> None:
    found = look(maker.safetensors(header, data), "model.safetensors")
    assert list(found.failed) == ["not a sound safetensors file"]
    assert found.failed["not a sound safetensors file"].startswith("malformed safetensors: ")
    assert found.facts == {}


@pytest.mark.parametrize("length", [0, 1, (1 << 24) + 1, (1 << 63) - 1, (1 << 64) - 1])
def test_a_length_at_its_extremes(length: int) -> None:
    with pytest.raises(DocumentError, match="malformed safetensors"):
        read(maker.safetensors(length=length))


def test_every_prefix_is_refused() -> None:
    data = maker.safetensors()
    read(data)
    for length in range(len(data)):
        with pytest.raises(DocumentError):
            read(data[:length])


def test_every_bit_flipped_is_read_or_refused_and_never_beyond_the_file() -> None:
    data = maker.safetensors({"__metadata__": {"format": "pt"}, **maker.TENSORS})
    refused = 0
    for place in range(len(data) - 58):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            try:
                file = read(bytes(flipped))
            except DocumentError:
                refused += 1
                continue
            assert [tensor.end for tensor in file.tensors][-1:] == [58]
    assert refused > 1000


def test_a_billion_bytes_of_weights_are_not_read() -> None:
    """A sparse file: only its header is there to be read."""
    tensor = {"dtype": "U8", "shape": [10**12], "data_offsets": [0, 10**12]}
    head = maker.safetensors({"a": tensor}, 0)
    with tempfile.TemporaryFile() as file:
        file.write(head)
        file.truncate(len(head) + 10**12)
        assert read_safetensors(file.fileno(), len(head) + 10**12).parameters == 10**12


HEAVY = {
    "tensors": b"{" + b",".join(
        b'"%x":{"dtype":"U8","shape":[],"data_offsets":[%d,%d]}' % (n, n, n + 1)
        for n in range(safetensors.MAX_TENSORS)) + b"}",
    "wide characters": b'{"__metadata__":{"' + "😀".encode() + b"a" * (15 << 20) + b'":""},"a":1}',
    "empty lists": b'{"a":{"shape":[' + b"[]," * (1 << 20) + b"[]]}}",
    "empty objects": b'{"__metadata__":{' + b'"":{},' * (1 << 20) + b"}}",
    "escapes": b'{"__metadata__":{"a":"' + b"\\u0041" * (1 << 19) + b'"}}',
}  # fmt: skip


@pytest.mark.parametrize("header", HEAVY.values(), ids=HEAVY)
def test_memory_is_bounded(header: bytes) -> None:
    assert measure_peak(maker.safetensors(header, safetensors.MAX_TENSORS), "a") < 160 << 20


def test_the_caps_are_what_bounds_it() -> None:
    """Without the cap on a description, one list of a header takes what it likes."""
    data = maker.safetensors(b'{"a":{"shape":[' + b"[]," * (4 << 20) + b"[]]}}", 0)
    lift = "from localai.formats import safetensors; safetensors.MAX_ENTRY = 1 << 30"
    assert measure_peak(data, "a.safetensors") < 160 << 20 < measure_peak(data, "a", lift)


def test_hidden_characters_in_names_are_noted_and_shown_as_escapes() -> None:
    header = {"__metadata__": {"a": "\x1b[2J"}, "w\u202eeight": one()["a"]}
    found = look(maker.safetensors(header, 12), "model.safetensors")
    assert "\\u202e" in found.notes["hidden characters"]
    assert found.facts["metadata"] == ("a: \\x1b[2J",)
