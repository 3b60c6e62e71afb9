"""The tree of a Parquet file's columns, which the file lists from the top down.

Source: Apache Parquet, ``parquet.thrift`` (``SchemaElement``) and "Logical types".
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from localai.formats.datasets.parquet.effort import malformed
from localai.formats.datasets.parquet.thrift import CompactReader, Type

_PATH = 120  # characters of a column's path that are kept
_BYTES, _FIXED = 6, 7  # of Type: BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY
_TYPES = 8
_NUMBER = 32  # bytes of the longest number
_REQUIRED, _REPEATED = 0, 2  # of FieldRepetitionType; 1 is optional


class Role(Enum):
    """What the cells of a column are."""

    TEXT = "text"
    JSON = "JSON"
    BYTES = "bytes, text or not"  # the file does not say
    NUMBERS = "numbers"
    OTHER = "structures of another kind"


# By ConvertedType and by LogicalType, which says the same in newer files.
_ROLES = (
    {0: Role.TEXT, 4: Role.TEXT, 5: Role.NUMBERS, 19: Role.JSON, 21: Role.NUMBERS},
    {1: Role.TEXT, 4: Role.TEXT, 5: Role.NUMBERS, 12: Role.JSON, 14: Role.NUMBERS,
     15: Role.NUMBERS},
)  # fmt: skip


class Column(NamedTuple):
    """One column that has cells: ``path`` from the top, ``width`` in bytes where all cells have the
    same (else 0), and how often the way there may be missing (``optional``) or repeat."""

    path: str
    role: Role
    type: int
    width: int
    optional: int
    repeated: int


class _Element(NamedTuple):
    """SchemaElement."""

    name: str
    children: int
    type: int
    repetition: int
    width: int
    role: Role


class _Level(NamedTuple):
    """A column that has columns: what theirs begin with, and how many of them are to come."""

    left: int
    depth: int = 0
    path: str = ""
    optional: int = 0
    repeated: int = 0


class Schema:
    """The columns read so far; ``uppermost`` are the names of those at the top."""

    def __init__(self) -> None:
        self.rooted = False
        self.uppermost: list[str] = []
        self.leaves: list[Column] = []
        self._open: list[_Level] = []

    @property
    def whole(self) -> bool:
        return self.rooted and not self._open

    def read(self, reader: CompactReader) -> None:
        """Read the next element. Raises DocumentError if it has no place in the tree."""
        found = _read_element(reader)
        if self.rooted:
            self._place(found)
        elif found.children:
            self._open.append(_Level(found.children))
        self.rooted = True

    def _place(self, found: _Element) -> None:
        if not self._open:
            raise malformed("a column that belongs nowhere")
        if not _REQUIRED <= found.repetition <= _REPEATED:
            raise malformed(f"a column with the repetition {found.repetition}")
        above = self._open.pop()
        if not above.depth:
            self.uppermost.append(found.name)
        if above.left > 1:
            self._open.append(above._replace(left=above.left - 1))
        path = f"{above.path}.{found.name}" if above.depth else found.name
        optional = above.optional + (found.repetition != _REQUIRED)
        repeated = above.repeated + (found.repetition == _REPEATED)
        if found.children:
            depth = above.depth + 1
            self._open.append(_Level(found.children, depth, path[:_PATH], optional, repeated))
            return
        if not 0 <= found.type < _TYPES or (found.type == _FIXED and found.width <= 0):
            raise malformed(f"a column of the type {found.type} and {found.width} bytes")
        width = found.width if found.type == _FIXED else 0
        role = found.role if found.type in (_BYTES, _FIXED) else Role.NUMBERS
        if role is Role.NUMBERS and (found.type == _BYTES or width > _NUMBER):
            role = Role.BYTES  # no number is that long
        self.leaves.append(Column(path[:_PATH], role, found.type, width, optional, repeated))


def _read_element(reader: CompactReader) -> _Element:
    name, roles, numbers = "", set[Role](), dict[int, int]()
    for field, kind in reader.fields():
        if field == 4:
            name = reader.text(kind)
        elif field in (1, 2, 3, 5):
            numbers[field] = reader.integer(kind, Type.I32)
        elif field == 6:
            roles.add(_ROLES[0].get(reader.integer(kind, Type.I32), Role.OTHER))
        elif field == 10 and kind == Type.STRUCT:
            for inner, inner_kind in reader.fields():
                roles.add(_ROLES[1].get(inner, Role.OTHER))
                reader.skip(inner_kind)
        else:
            reader.skip(kind)
    children = numbers.get(5, 0)
    if children < 0:
        raise malformed(f"a column of {children} columns")
    physical, width, repetition = (numbers.get(field, -1) for field in (1, 2, 3))
    # Annotated in two ways at once, it is whatever its reader takes it for: a text, too.
    role = roles.pop() if len(roles) == 1 else Role.TEXT if roles else Role.BYTES
    return _Element(name, children, physical, repetition, width, role)
