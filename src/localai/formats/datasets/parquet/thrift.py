"""Thrift's compact protocol, read forwards and kept nowhere: each value is taken or passed over.

Source: Apache Thrift, ``doc/specs/thrift-compact-protocol.md``. Every length is checked against
what is left, every value is counted, and nesting is capped: time is bounded by ``MAX_VALUES``, and
memory by the bytes that are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from localai.formats.datasets.parquet.effort import malformed

MAX_VALUES = 1_000_000
MAX_DEPTH = 16


class Type(IntEnum):
    """The types of a field. A truth value is its type; in a list it takes a byte."""

    STOP = 0
    TRUE = 1
    FALSE = 2
    BYTE = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    MAP = 11
    STRUCT = 12
    UUID = 13


_WIDTHS = {Type.BYTE: 1, Type.DOUBLE: 8, Type.UUID: 16}
_INTEGERS = {Type.I16: 16, Type.I32: 32, Type.I64: 64}  # bits


class TooMuchError(Exception):
    """More values than are looked at."""


class CompactReader:
    """A bounds-checked reader over ``data``. Raises DocumentError for what the protocol forbids,
    TooMuchError for more than ``MAX_VALUES``."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.values = 0

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise malformed("it ends inside a value")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        """An unsigned number of at most 64 bits, seven a byte, the lowest first."""
        found = self.byte()
        if found < 0x80:
            return found
        found &= 0x7F
        for shift in range(7, 64, 7):
            byte = self.byte()
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
        raise malformed("a number of more than 64 bits")

    def fields(self) -> Iterator[tuple[int, int]]:
        """(field's number, type) of one structure; the caller takes or skips each value.

        A field that is there twice, and a number that others cut to 16 bits, would be read
        otherwise by others, so that each could be shown another file.
        """
        field, seen = 0, set[int]()
        while kind := (head := self.byte()) & 0x0F:
            self.count()
            field = field + (head >> 4) if head >> 4 else self.zigzag()
            if field in seen or not 0 < field < 1 << 15:
                raise malformed(f"field {field}, for the second time or out of range")
            seen.add(field)
            yield field, kind

    def integer(self, kind: int, wanted: Type) -> int:
        """A number of just this type: of another one, others would pass over it, or cut it."""
        if kind != wanted:
            raise malformed(f"type {kind} where a number of type {wanted} belongs")
        number = self.zigzag()
        if number >> _INTEGERS[wanted] - 1 not in (0, -1):
            raise malformed(f"a number of more than {_INTEGERS[wanted]} bits")
        return number

    def zigzag(self) -> int:
        """A signed number: 0, 1, 2, 3 stand for 0, -1, 1, -2."""
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def text(self, kind: int) -> str:
        if kind != Type.BINARY:
            raise malformed(f"type {kind} where a text belongs")
        length = self.varint()
        self.pass_over(length)
        return self.data[self.at - length : self.at].decode("utf-8", "replace")

    def structures(self, kind: int) -> Iterator[int]:
        """The places of a list of structures; the caller takes each with ``fields``."""
        length, inner = self.list_head()
        if kind != Type.LIST or (inner != Type.STRUCT and length):
            raise malformed(f"type {kind} of {inner} where a list of structures belongs")
        for place in range(length):
            self.count()
            yield place

    def list_head(self) -> tuple[int, int]:
        """(length, type of the elements)."""
        head = self.byte()
        length = head >> 4 if head >> 4 < 15 else self.varint()
        if length > len(self.data) - self.at:  # the smallest element takes a byte
            raise malformed(f"a list of {length} elements")
        return length, head & 0x0F

    def skip(self, kind: int, depth: int = MAX_DEPTH) -> None:
        """Pass over one value of a structure."""
        if kind in (Type.TRUE, Type.FALSE):
            return
        if kind in _INTEGERS:
            self.varint()
        elif kind in _WIDTHS:
            self.pass_over(_WIDTHS[Type(kind)])
        elif kind == Type.BINARY:
            self.pass_over(self.varint())
        elif not depth:
            raise malformed(f"more than {MAX_DEPTH} levels")
        elif kind == Type.STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth - 1)
        elif kind in (Type.LIST, Type.SET):
            length, inner = self.list_head()
            self.skip_elements(length, (inner,), depth - 1)
        elif kind == Type.MAP:
            self.skip_map(depth - 1)
        else:
            raise malformed(f"the unknown type {kind}")

    def skip_elements(self, length: int, kinds: tuple[int, ...], depth: int) -> None:
        for _ in range(length):
            for kind in kinds:
                self.count()
                truth = kind in (Type.TRUE, Type.FALSE)
                self.skip(Type.BYTE if truth else kind, depth)

    def skip_map(self, depth: int) -> None:
        length = self.varint()
        if length > len(self.data) - self.at:
            raise malformed(f"a map of {length} entries")
        if length:
            kinds = self.byte()
            self.skip_elements(length, (kinds >> 4, kinds & 0x0F), depth)

    def pass_over(self, length: int) -> None:
        if length > len(self.data) - self.at:
            raise malformed(f"{length} bytes at byte {self.at}, where {len(self.data)} are all")
        self.at += length

    def count(self) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise TooMuchError
