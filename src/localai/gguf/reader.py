"""Read the header of a GGUF file: bounds-checked bytes to facts, no opinions.

Source: ggml's ``docs/gguf.md`` (versions 2 and 3 share one layout) and the rules of its own
reader, ``gguf.cpp``: what that refuses, this refuses. The file is hostile until it is approved,
and approved files are read with the same care. Every count and length is checked against a cap
and against what is left of the file before anything is allocated or passed over. Whatever the
bytes: at most ``MAX_HEADER`` of them are looked at, and less than 64 MiB of memory is used, for
all parts of a set together.
``pread`` and no map: a file that is truncated meanwhile gives an error, not a SIGBUS.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from itertools import repeat
from struct import Struct
from sys import getsizeof
from types import MappingProxyType

from localai.errors import DocumentError
from localai.gguf.facts import Array, GgufFile, Scalar, Tensor, elements_of
from localai.gguf.types import SCALARS, TENSOR_TYPES, ValueType

MAX_HEADER = 128 << 20  # bytes before the tensors' data; 500,000 tokens with merges take some 25 MB
MAX_ENTRIES = 16_384  # metadata entries; large models have some 60
MAX_TENSORS = 32_768  # the largest mixtures of experts have some 10,000 in one file
MAX_NAME = 65_535  # bytes of a key; the specification's limit
MAX_TENSOR_NAME = 63  # bytes; one less than ggml's GGML_MAX_NAME, which counts a NUL
MAX_TEXT = 4 << 20  # bytes of one string value; chat templates reach 100 kB
MAX_KEPT = 24 << 20  # bytes of memory for what is known of all files of a model
MAX_ELEMENTS = 4_194_304  # of all arrays; large vocabularies reach 1,300,000, merges included
MAX_ALIGNMENT = 65_536
MAX_COUNT = 2**63 - 1  # elements of a tensor or a dimension; ggml counts in int64
KEPT_WORDS = 16  # a list of no more strings is kept whole, of a longer one nothing
KEPT_NUMBERS = 512  # so many first numbers of an array are kept: more than models have layers
ENTRY, TENSOR = 512, 400  # bytes of memory that one takes, beside its texts and many numbers
WINDOW = 1 << 18  # bytes read at once

_SCALARS = {kind: Struct(code) for kind, code in SCALARS.items()}
# What follows a tensor's number of dimensions: their lengths, its type, its offset.
_PLACES = {dimensions: Struct(f"<{dimensions}QIQ") for dimensions in range(1, 5)}
_DOWNLOAD = "download the file again and compare its SHA-256 with what the publisher states"


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

    def demand(self, length: int) -> None:
        """Refuse unless ``length`` more bytes are there, and still belong to a header."""
        end = self.at + length
        if end > self.size:
            raise _truncated(self.at, length, self.size)
        if end > MAX_HEADER:
            raise _malformed(f"a header of more than {MAX_HEADER} bytes")

    def fill(self, wanted: int) -> None:
        """Make the window begin at ``at`` and hold at least ``wanted`` bytes."""
        self.demand(wanted)
        length = min(max(wanted, WINDOW), self.size - self.at)
        window = b""
        while len(window) < length:
            try:
                piece = os.pread(self.fd, length - len(window), self.at + len(window))
            except OSError as error:
                raise DocumentError(f"cannot read the file: {error.strerror}") from error
            if not piece:  # the file became shorter than it was when it was opened
                raise _truncated(self.at, wanted, self.at + len(window))
            window += piece
        self.window, self.start = window, self.at

    def take(self, length: int) -> bytes:
        begin = self.at - self.start
        if begin < 0 or begin + length > len(self.window):
            self.fill(length)
            begin = 0
        self.at += length
        return self.window[begin : begin + length]

    def keep(self, memory: int) -> None:
        """Count ``memory`` bytes of what outlives the reading."""
        self.kept += memory
        if self.kept > MAX_KEPT:
            raise _malformed(f"names and values that take more than {MAX_KEPT} bytes of memory")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def string(self, what: str, limit: int) -> str:
        length = self.u64()
        if length > limit:
            raise _malformed(f"{what} of {length} bytes, more than {limit}")
        data = self.take(length)
        if b"\0" in data:  # llama.cpp would end it there, and so see another key, name or text
            raise _malformed(f"{what} with a zero byte, at byte {self.at - length}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed(f"{what} that is not UTF-8, at byte {self.at - length}") from error
        self.keep(getsizeof(text))
        return text

    def skip_strings(self, count: int) -> None:
        """Pass over ``count`` length-prefixed strings: the hot loop, twice per token known."""
        self.demand(8 * count)
        unpack = _SCALARS[ValueType.UINT64].unpack_from
        strings = repeat(None, count)
        window, begin = self.window, self.at - self.start
        while True:
            try:
                for _ in strings:
                    begin += 8 + unpack(window, begin)[0]
                break
            except (struct.error, OverflowError):  # the next length lies beyond the window
                self.leap(begin)
                self.fill(8)
                window = self.window
                begin = 8 + unpack(window, 0)[0]
        self.leap(begin)

    def leap(self, begin: int) -> None:
        """Go to byte ``begin`` of the window, or so far behind it as one string may reach."""
        self.at = self.start + begin
        self.demand(0)
        if begin > len(self.window) + MAX_TEXT:
            raise _malformed(f"a string of more than {MAX_TEXT} bytes in an array")


def read_gguf(fd: int, size: int, before: Sequence[GgufFile] = ()) -> GgufFile:
    """Read the header of the ``size`` bytes behind ``fd``, which must allow ``pread``; ``before``
    are the parts of its set that were read already.

    Raises DocumentError if they are no well-formed GGUF of version 2 or 3; the message names no
    file, since an open descriptor has no one name.
    """
    cursor = _Cursor(fd, size)
    known = sum(file.memory for file in before)
    cursor.keep(known)
    cursor.elements = sum(file.array_elements for file in before)
    version = _read_preamble(cursor)
    tensor_count = _bounded(cursor.u64(), MAX_TENSORS, "tensors")
    entry_count = _bounded(cursor.u64(), MAX_ENTRIES, "metadata entries")
    types: dict[str, ValueType] = {}
    metadata: dict[str, Scalar | Array] = {}
    for _ in range(entry_count):
        key = cursor.string("a key", MAX_NAME)
        if not key:
            raise _malformed("an empty key")
        if key in metadata:
            raise _malformed(f"the key {_show(key)} twice")
        kind = types[key] = _value_type(cursor.u32(), key)
        array = kind is ValueType.ARRAY
        metadata[key] = _read_array(cursor, key) if array else _read_scalar(cursor, kind, key)
        cursor.keep(ENTRY)
    alignment = _read_alignment(metadata, types)
    described = [_read_tensor(cursor) for _ in range(tensor_count)]
    if len({tensor.name for tensor in described}) != tensor_count:
        raise _malformed("two tensors of one name")
    # Without tensors llama.cpp lets the data begin where the header ends.
    end = cursor.at
    data = -(-end // alignment) * alignment if described else end
    tensors = tuple(_placed(tensor, data, alignment, size) for tensor in described)
    said, typed = MappingProxyType(metadata), MappingProxyType(types)
    return GgufFile(version, size, alignment, data, said, tensors, typed, end, cursor.kept - known)


def _read_preamble(cursor: _Cursor) -> int:
    head = cursor.take(min(16, cursor.size))
    version = int.from_bytes(head[4:8], "little")
    if not head.startswith(b"GGUF") or version not in (2, 3) or cursor.size < 24:
        from localai.gguf.foreign import refuse

        raise refuse(head, cursor.size)
    cursor.at = 8
    return version


def _value_type(number: int, key: str) -> ValueType:
    try:
        return ValueType(number)
    except ValueError as error:
        raise _malformed(f"the unknown value type {number} under {_show(key)}") from error


def _read_scalar(cursor: _Cursor, kind: ValueType, key: str) -> Scalar:
    if kind is ValueType.STRING:
        return cursor.string(f"a text under {_show(key)}", MAX_TEXT)
    codec = _SCALARS[kind]
    value: int | float = codec.unpack(cursor.take(codec.size))[0]
    if kind is ValueType.BOOL:
        if value not in (0, 1):
            raise _malformed(f"a truth value of {value} under {_show(key)}")
        return bool(value)
    return value


def _read_array(cursor: _Cursor, key: str) -> Array:
    kind = _value_type(cursor.u32(), key)
    count = cursor.u64()
    cursor.elements += count
    if cursor.elements > MAX_ELEMENTS:
        raise _malformed(f"more than {MAX_ELEMENTS} array elements, at {_show(key)}")
    if kind is ValueType.ARRAY:  # llama.cpp reads none either
        raise _malformed(f"an array of arrays under {_show(key)}")
    offset = cursor.at
    first: tuple[Scalar, ...] = ()
    if kind is not ValueType.STRING:
        first = _read_numbers(cursor, kind, count)
    elif count > KEPT_WORDS or key.startswith("tokenizer.ggml."):
        cursor.skip_strings(count)  # tokens need not be UTF-8
    else:  # a list short enough to be kept whole is prose
        what = f"a text under {_show(key)}"
        first = tuple(cursor.string(what, MAX_TEXT) for _ in range(count))
    return Array(kind, count, offset, cursor.at - offset, first)


def _read_numbers(cursor: _Cursor, kind: ValueType, count: int) -> tuple[Scalar, ...]:
    """Pass over an array of ``count`` numbers, keeping the first of them."""
    kept = min(count, KEPT_NUMBERS)
    size = _SCALARS[kind].size
    cursor.demand(count * size)
    numbers = struct.unpack(f"<{kept}{SCALARS[kind][1:]}", cursor.take(kept * size))
    cursor.at += (count - kept) * size
    cursor.keep(getsizeof(numbers) + sum(map(getsizeof, numbers)))
    return tuple(map(bool, numbers)) if kind is ValueType.BOOL else numbers


def _read_alignment(metadata: Mapping[str, Scalar | Array], types: Mapping[str, ValueType]) -> int:
    kind = types.get("general.alignment", ValueType.UINT32)
    if kind is not ValueType.UINT32:
        raise _malformed(f"an alignment of type {kind.name}; expected UINT32")
    value = metadata.get("general.alignment", 32)
    if not isinstance(value, int) or not 1 <= value <= MAX_ALIGNMENT or value & (value - 1):
        raise _malformed(f"an alignment of {value}; expected a power of two to {MAX_ALIGNMENT}")
    return value


def _read_tensor(cursor: _Cursor) -> Tensor:
    """One tensor's description; its offset still counts from the start of the data."""
    name = cursor.string("a tensor's name", MAX_TENSOR_NAME)
    dimensions = cursor.u32()
    codec = _PLACES.get(dimensions)
    if codec is None:
        raise _malformed(f"{dimensions} dimensions in tensor {name!r}; expected 1 to 4")
    *lengths, number, offset = codec.unpack(cursor.take(codec.size))
    cursor.keep(TENSOR)
    shape = tuple(lengths)
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        raise _malformed(f"the unknown or removed tensor type {number} in {name!r}")
    # llama.cpp takes a dimension of 0, but no product of the others that an int64 cannot hold.
    if elements_of(tuple(filter(None, shape))) > MAX_COUNT or shape[0] % kind.block:
        raise _malformed(f"the shape {shape} in tensor {name!r}, which {kind.name} cannot hold")
    elements = elements_of(shape)
    return Tensor(name, shape, kind.name, offset, elements // kind.block * kind.size)


def _placed(tensor: Tensor, data: int, alignment: int, size: int) -> Tensor:
    """The tensor with its offset from the file's start, checked to lie inside the file."""
    if tensor.offset % alignment:
        raise _malformed(f"tensor {tensor.name!r} at {tensor.offset}, not aligned to {alignment}")
    offset = data + tensor.offset  # no wrap: Python's integers have no width
    if (end := offset + tensor.size) > size:
        found = f"tensor {tensor.name!r} ends at byte {end}, the file at {size}"
        raise DocumentError(f"truncated GGUF: {found}", hint=_DOWNLOAD)
    return Tensor(tensor.name, tensor.shape, tensor.type, offset, tensor.size)


def _bounded(count: int, limit: int, what: str) -> int:
    if count > limit:
        raise _malformed(f"{count} {what}, more than {limit}")
    return count


def _show(key: str) -> str:
    """A key as a message may carry it: on one line, not longer than a line."""
    return repr(key if len(key) <= 60 else f"{key[:60]}...")


def _malformed(found: str) -> DocumentError:
    return DocumentError(f"malformed GGUF: {found}", hint=_DOWNLOAD)


def _truncated(at: int, wanted: int, size: int) -> DocumentError:
    found = f"the header wants {wanted or 'more'} bytes at {at}, the file ends at {size}"
    return DocumentError(f"truncated GGUF: {found}", hint=_DOWNLOAD)
