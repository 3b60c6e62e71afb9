"""Read the header of a GGUF file: bounds-checked bytes to facts, no opinions.

Source: ggml's ``docs/gguf.md`` (versions 2 and 3 share one layout) and the rules of its own
reader, ``gguf.cpp``: what that refuses, this refuses. The file is hostile until it is approved,
and approved files are read with the same care. Every count and length is checked against a cap
and against what is left of the file before anything is allocated or passed over. Whatever the
bytes: at most ``MAX_HEADER`` of them are looked at, and less than 64 MiB of memory is used, for
all parts of a set together.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from struct import Struct
from sys import getsizeof
from types import MappingProxyType

from localai.errors import DocumentError
from localai.gguf.cursor import DOWNLOAD, MAX_TEXT, Cursor, malformed
from localai.gguf.facts import Array, GgufFile, Scalar, Tensor, elements_of
from localai.gguf.types import SCALARS, TENSOR_TYPES, ValueType

MAX_ENTRIES = 16_384  # metadata entries; large models have some 60
MAX_TENSORS = 32_768  # the largest mixtures of experts have some 10,000 in one file
MAX_NAME = 65_535  # bytes of a key; the specification's limit
MAX_TENSOR_NAME = 63  # bytes; one less than ggml's GGML_MAX_NAME, which counts a NUL
MAX_ELEMENTS = 4_194_304  # of all arrays; large vocabularies reach 1,300,000, merges included
MAX_ALIGNMENT = 65_536
MAX_COUNT = 2**63 - 1  # elements of a tensor or a dimension; ggml counts in int64
KEPT_WORDS = 16  # a list of no more strings is kept whole, of a longer one nothing
KEPT_NUMBERS = 512  # so many first numbers of an array are kept: more than models have layers
ENTRY, TENSOR = 512, 400  # bytes of memory that one takes, beside its texts and many numbers

_SCALARS = {kind: Struct(code) for kind, code in SCALARS.items()}
# What follows a tensor's number of dimensions: their lengths, its type, its offset.
_PLACES = {dimensions: Struct(f"<{dimensions}QIQ") for dimensions in range(1, 5)}


def read_gguf(fd: int, size: int, before: Sequence[GgufFile] = ()) -> GgufFile:
    """Read the header of the ``size`` bytes behind ``fd``, which must allow ``pread``; ``before``
    are the parts of its set that were read already.

    Raises DocumentError if they are no well-formed GGUF of version 2 or 3; the message names no
    file, since an open descriptor has no one name.
    """
    cursor = Cursor(fd, size)
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
            raise malformed("an empty key")
        if key in metadata:
            raise malformed(f"the key {_show(key)} twice")
        kind = types[key] = _value_type(cursor.u32(), key)
        array = kind is ValueType.ARRAY
        metadata[key] = _read_array(cursor, key) if array else _read_scalar(cursor, kind, key)
        cursor.keep(ENTRY)
    alignment = _read_alignment(metadata, types)
    described = [_read_tensor(cursor) for _ in range(tensor_count)]
    if len({tensor.name for tensor in described}) != tensor_count:
        raise malformed("two tensors of one name")
    # Without tensors llama.cpp lets the data begin where the header ends.
    end = cursor.at
    data = -(-end // alignment) * alignment if described else end
    tensors = tuple(_placed(tensor, data, alignment, size) for tensor in described)
    said, typed = MappingProxyType(metadata), MappingProxyType(types)
    memory = cursor.kept - known
    return GgufFile(version, size, alignment, data, said, tensors, typed, end, memory, cursor.seen)


def _read_preamble(cursor: Cursor) -> int:
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
        raise malformed(f"the unknown value type {number} under {_show(key)}") from error


def _read_scalar(cursor: Cursor, kind: ValueType, key: str) -> Scalar:
    if kind is ValueType.STRING:
        return cursor.string(f"a text under {_show(key)}", MAX_TEXT)
    codec = _SCALARS[kind]
    value: int | float = codec.unpack(cursor.take(codec.size))[0]
    if kind is ValueType.BOOL:
        if value not in (0, 1):
            raise malformed(f"a truth value of {value} under {_show(key)}")
        return bool(value)
    return value


def _read_array(cursor: Cursor, key: str) -> Array:
    kind = _value_type(cursor.u32(), key)
    count = cursor.u64()
    cursor.elements += count
    if cursor.elements > MAX_ELEMENTS:
        raise malformed(f"more than {MAX_ELEMENTS} array elements, at {_show(key)}")
    if kind is ValueType.ARRAY:  # llama.cpp reads none either
        raise malformed(f"an array of arrays under {_show(key)}")
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


def _read_numbers(cursor: Cursor, kind: ValueType, count: int) -> tuple[Scalar, ...]:
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
        raise malformed(f"an alignment of type {kind.name}; expected UINT32")
    value = metadata.get("general.alignment", 32)
    if not isinstance(value, int) or not 1 <= value <= MAX_ALIGNMENT or value & (value - 1):
        raise malformed(f"an alignment of {value}; expected a power of two to {MAX_ALIGNMENT}")
    return value


def _read_tensor(cursor: Cursor) -> Tensor:
    """One tensor's description; its offset still counts from the start of the data."""
    name = cursor.string("a tensor's name", MAX_TENSOR_NAME)
    dimensions = cursor.u32()
    codec = _PLACES.get(dimensions)
    if codec is None:
        raise malformed(f"{dimensions} dimensions in tensor {name!r}; expected 1 to 4")
    *lengths, number, offset = codec.unpack(cursor.take(codec.size))
    cursor.keep(TENSOR)
    shape = tuple(lengths)
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        raise malformed(f"the unknown or removed tensor type {number} in {name!r}")
    # llama.cpp takes a dimension of 0, but no product of the others that an int64 cannot hold.
    if elements_of(tuple(filter(None, shape))) > MAX_COUNT or shape[0] % kind.block:
        raise malformed(f"the shape {shape} in tensor {name!r}, which {kind.name} cannot hold")
    elements = elements_of(shape)
    return Tensor(name, shape, kind.name, offset, elements // kind.block * kind.size)


def _placed(tensor: Tensor, data: int, alignment: int, size: int) -> Tensor:
    """The tensor with its offset from the file's start, checked to lie inside the file."""
    if tensor.offset % alignment:
        raise malformed(f"tensor {tensor.name!r} at {tensor.offset}, not aligned to {alignment}")
    offset = data + tensor.offset  # no wrap: Python's integers have no width
    if (end := offset + tensor.size) > size:
        found = f"tensor {tensor.name!r} ends at byte {end}, the file at {size}"
        raise DocumentError(f"truncated GGUF: {found}", hint=DOWNLOAD)
    return Tensor(tensor.name, tensor.shape, tensor.type, offset, tensor.size)


def _bounded(count: int, limit: int, what: str) -> int:
    if count > limit:
        raise malformed(f"{count} {what}, more than {limit}")
    return count


def _show(key: str) -> str:
    """A key as a message may carry it: on one line, not longer than a line."""
    return repr(key if len(key) <= 60 else f"{key[:60]}...")
