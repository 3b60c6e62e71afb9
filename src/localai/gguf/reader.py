"""Read the header of a GGUF file: bounds-checked bytes to facts, no opinions.

Source: ggml's ``docs/gguf.md`` (versions 2 and 3 share one layout). The file is hostile until it
is approved, and approved files are read with the same care. Every count and length is checked
against a cap and against what is left of the file before anything is allocated or skipped, so
that memory stays below some 40 MiB and time grows with the header only. Reading uses ``pread``
and no map: a file that is truncated meanwhile gives an error, not a SIGBUS.
"""

from __future__ import annotations

import os
from struct import Struct
from types import MappingProxyType

from localai.errors import DocumentError
from localai.gguf.facts import Array, GgufFile, Scalar, Tensor, elements_of
from localai.gguf.types import SCALARS, TENSOR_TYPES, ValueType

MAX_ENTRIES = 65_536  # metadata entries; large models have some 60
MAX_TENSORS = 262_144  # the largest mixtures of experts have some 10,000 in one file
MAX_NAME = 65_535  # bytes of a key; the specification's limit
MAX_TENSOR_NAME = 63  # bytes; llama.cpp keeps them in 64 (GGML_MAX_NAME)
MAX_TEXT = 4 << 20  # bytes of one string value; chat templates reach 100 kB
MAX_KEPT = 16 << 20  # bytes of all names and string values together
MAX_ELEMENTS = 16_777_216  # elements of all arrays; vocabularies reach 300,000 three times over
MAX_ALIGNMENT = 65_536
MAX_COUNT = 2**63 - 1  # elements of a tensor or a dimension; ggml counts in int64
KEPT_ITEMS = 16  # of an array, so many first elements are kept (if they are no strings of a list)
WINDOW = 1 << 20  # bytes read at once

_SCALARS = {kind: Struct(code) for kind, code in SCALARS.items()}
_U32 = Struct("<I")
_U64 = Struct("<Q")
_DOWNLOAD = "download the file again and compare its SHA-256 with what the publisher states"
_CONVERT = "only GGUF is accepted: look for a .gguf file of the same model at its publisher"


class _Cursor:
    """A bounded reader over ``size`` bytes of ``fd``, through one window of memory."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self.at = 0
        self.kept = 0
        self.elements = 0
        self.window = b""
        self.start = 0

    def fill(self, wanted: int) -> None:
        """Make the window begin at ``at`` and hold at least ``wanted`` bytes."""
        if wanted > self.size - self.at:
            raise _truncated(self.at, wanted, self.size)
        length = min(max(wanted, WINDOW), self.size - self.at)
        window = bytearray()
        while len(window) < length:
            piece = os.pread(self.fd, length - len(window), self.at + len(window))
            if not piece:  # the file became shorter than it was when it was opened
                raise _truncated(self.at, wanted, self.at + len(window))
            window += piece
        self.window, self.start = bytes(window), self.at

    def take(self, length: int) -> bytes:
        begin = self.at - self.start
        if begin < 0 or begin + length > len(self.window):
            self.fill(length)
            begin = 0
        self.at += length
        return self.window[begin : begin + length]

    def skip(self, length: int) -> None:
        if length > self.size - self.at:
            raise _truncated(self.at, length, self.size)
        self.at += length

    def u32(self) -> int:
        value: int = _U32.unpack(self.take(4))[0]
        return value

    def u64(self) -> int:
        value: int = _U64.unpack(self.take(8))[0]
        return value

    def string(self, what: str, limit: int) -> str:
        length = self.u64()
        if length > limit:
            raise _malformed(f"{what} of {length} bytes, more than {limit}")
        self.kept += length
        if self.kept > MAX_KEPT:
            raise _malformed(f"more than {MAX_KEPT} bytes of names and texts")
        data = self.take(length)
        if b"\0" in data:  # llama.cpp would end it there, and so see another key, name or text
            raise _malformed(f"{what} with a zero byte, at byte {self.at - length}")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed(f"{what} that is not UTF-8, at byte {self.at - length}") from error

    def skip_strings(self, count: int) -> None:
        """Pass over ``count`` length-prefixed strings: the hot loop, twice per token known."""
        unpack = _U64.unpack_from
        window, begin, size = self.window, self.at - self.start, self.size
        for _ in range(count):
            if begin + 8 > len(window):
                self.at = self.start + begin
                if self.at > size:
                    raise _truncated(size, 0, size)
                self.fill(8)
                window, begin = self.window, 0
            begin += 8 + unpack(window, begin)[0]
        self.at = self.start + begin
        if self.at > size:
            raise _truncated(size, 0, size)


def read_gguf(fd: int, size: int) -> GgufFile:
    """Read the header of the ``size`` bytes behind ``fd``, which must allow ``pread``.

    Raises DocumentError if they are no well-formed GGUF of version 2 or 3; the message names no
    file, since an open descriptor has no one name.
    """
    cursor = _Cursor(fd, size)
    version = _read_preamble(cursor)
    tensor_count = _bounded(cursor.u64(), MAX_TENSORS, "tensors")
    entry_count = _bounded(cursor.u64(), MAX_ENTRIES, "metadata entries")
    metadata: dict[str, Scalar | Array] = {}
    for _ in range(entry_count):
        key = cursor.string("a key", MAX_NAME)
        if not key:
            raise _malformed("an empty key")
        if key in metadata:
            raise _malformed(f"the key {key!r} twice")
        metadata[key] = _read_value(cursor, key)
    alignment = _alignment(metadata.get("general.alignment", 32))
    described = [_read_tensor(cursor) for _ in range(tensor_count)]
    if len({tensor.name for tensor in described}) != tensor_count:
        raise _malformed("two tensors of one name")
    # Without tensors llama.cpp lets the data begin where the header ends.
    data = -(-cursor.at // alignment) * alignment if described else cursor.at
    tensors = tuple(_placed(tensor, data, alignment, size) for tensor in described)
    return GgufFile(version, size, alignment, data, MappingProxyType(metadata), tensors)


def _read_preamble(cursor: _Cursor) -> int:
    if cursor.size < 24:
        found = "an empty file" if cursor.size == 0 else f"a file of {cursor.size} bytes"
        raise DocumentError(f"not a GGUF file: {found}", hint=_DOWNLOAD)
    head = cursor.take(16)
    if head[:4] != b"GGUF":
        raise DocumentError(f"not a GGUF file: it begins like {_look(head)}", hint=_CONVERT)
    version: int = _U32.unpack_from(head, 4)[0]
    if version not in (2, 3):
        swapped = int.from_bytes(head[4:8], "big")
        found = f"big-endian version {swapped}" if swapped in (2, 3) else f"version {version}"
        raise DocumentError(f"GGUF of {found}; expected little-endian 2 or 3", hint=_CONVERT)
    cursor.at = 8
    return version


def _look(head: bytes) -> str:
    """Name what the first 16 bytes of a file that is no GGUF look like."""
    if head.startswith(b"PK\x03\x04"):
        return "a ZIP archive, as PyTorch checkpoints do, which can run code when opened"
    if head[0] == 0x80 and head[1] in range(2, 6):
        return "a Python pickle, which can run code when opened"
    if head[8:9] == b"{":
        return "safetensors: weights alone, without vocabulary and template"
    if head.startswith((b"\x89HDF", b"\x08\x00\x00\x00TFL3", b"\x1c\x00\x00\x00TFL3")):
        return "a Keras or TensorFlow model"
    if head.startswith((b"lmgg", b"fmgg", b"tjgg", b"algg")):
        return "GGML, the format before GGUF"
    if head.startswith(b"version https://"):
        return "a Git LFS pointer: the text that stands for the file, not the file"
    if head.lower().startswith((b"<!doctype", b"<html")):
        return "a web page: the download went wrong"
    return f"{head[:4]!r}"


def _read_value(cursor: _Cursor, key: str) -> Scalar | Array:
    kind = _value_type(cursor.u32(), key)
    if key == "general.alignment" and kind is not ValueType.UINT32:
        raise _malformed(f"an alignment of type {kind.name}; expected UINT32")
    if kind is ValueType.ARRAY:
        return _read_array(cursor, key)
    return _read_scalar(cursor, kind, key)


def _value_type(number: int, key: str) -> ValueType:
    try:
        return ValueType(number)
    except ValueError as error:
        raise _malformed(f"the unknown value type {number} under {key!r}") from error


def _read_scalar(cursor: _Cursor, kind: ValueType, key: str) -> Scalar:
    if kind is ValueType.STRING:
        return cursor.string(f"a text under {key!r}", MAX_TEXT)
    codec = _SCALARS[kind]
    value: int | float = codec.unpack(cursor.take(codec.size))[0]
    if kind is ValueType.BOOL:
        if value not in (0, 1):
            raise _malformed(f"a truth value of {value} under {key!r}")
        return bool(value)
    return value


def _read_array(cursor: _Cursor, key: str) -> Array:
    kind = _value_type(cursor.u32(), key)
    count = cursor.u64()
    cursor.elements += count
    if cursor.elements > MAX_ELEMENTS:
        raise _malformed(f"more than {MAX_ELEMENTS} array elements, at {key!r}")
    if kind is ValueType.ARRAY:  # llama.cpp reads none either
        raise _malformed(f"an array of arrays under {key!r}")
    offset = cursor.at
    if kind is ValueType.STRING:
        # Tokens need not be UTF-8; a list short enough to be kept whole is prose, and is.
        if count <= KEPT_ITEMS and not key.startswith("tokenizer.ggml."):
            first = tuple(_read_scalar(cursor, kind, key) for _ in range(count))
            return Array(kind, count, offset, first)
        cursor.skip_strings(count)
        return Array(kind, count, offset, ())
    first = tuple(_read_scalar(cursor, kind, key) for _ in range(min(count, KEPT_ITEMS)))
    cursor.skip((count - len(first)) * _SCALARS[kind].size)
    return Array(kind, count, offset, first)


def _alignment(value: Scalar | Array) -> int:
    if not isinstance(value, int) or not 1 <= value <= MAX_ALIGNMENT or value & (value - 1):
        raise _malformed(f"an alignment of {value}; expected a power of two to {MAX_ALIGNMENT}")
    return value


def _read_tensor(cursor: _Cursor) -> Tensor:
    """One tensor's description; its offset still counts from the start of the data."""
    name = cursor.string("a tensor's name", MAX_TENSOR_NAME)
    dimensions = cursor.u32()
    if not 1 <= dimensions <= 4:
        raise _malformed(f"{dimensions} dimensions in tensor {name!r}; expected 1 to 4")
    shape = tuple(cursor.u64() for _ in range(dimensions))
    number = cursor.u32()
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        raise _malformed(f"the unknown or removed tensor type {number} in {name!r}")
    # llama.cpp takes a dimension of 0, but no product of the others that an int64 cannot hold.
    if elements_of(tuple(filter(None, shape))) > MAX_COUNT or shape[0] % kind.block:
        raise _malformed(f"the shape {shape} in tensor {name!r}, which {kind.name} cannot hold")
    elements = elements_of(shape)
    return Tensor(name, shape, kind.name, cursor.u64(), elements // kind.block * kind.size)


def _placed(tensor: Tensor, data: int, alignment: int, size: int) -> Tensor:
    """The tensor with its offset from the file's start, checked to lie inside the file."""
    if tensor.offset % alignment:
        raise _malformed(f"tensor {tensor.name!r} at {tensor.offset}, not aligned to {alignment}")
    offset = data + tensor.offset  # no wrap: Python's integers have no width
    if offset + tensor.size > size:
        raise DocumentError(
            f"truncated GGUF: tensor {tensor.name!r} ends at byte {offset + tensor.size},"
            f" the file at {size}",
            hint=_DOWNLOAD,
        )
    return Tensor(tensor.name, tensor.shape, tensor.type, offset, tensor.size)


def _bounded(count: int, limit: int, what: str) -> int:
    if count > limit:
        raise _malformed(f"{count} {what}, more than {limit}")
    return count


def _malformed(found: str) -> DocumentError:
    return DocumentError(f"malformed GGUF: {found}", hint=_DOWNLOAD)


def _truncated(at: int, wanted: int, size: int) -> DocumentError:
    return DocumentError(
        f"truncated GGUF: the header wants {wanted or 'more'} bytes at {at}, "
        f"the file ends at {size}",
        hint=_DOWNLOAD,
    )
