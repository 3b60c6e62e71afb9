"""The handcrafted files of llama.cpp's ``tests/test-gguf.cpp``, by the names that it gives them.

Written from that list of cases; what is drawn at random there is drawn from ``seed`` here. Unlike
there every file with tensors also has their data: without it a file is cut, not sound.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from typing import NamedTuple

import gguf_maker as maker
from gguf_maker import Parts
from localai.gguf.types import SCALARS, TENSOR_TYPES, TensorType, ValueType

MOST = 2**64 - 1
NO_VALUE_TYPE = 13
NO_TENSOR_TYPE = max(TENSOR_TYPES) + 1
BAD_ALIGNMENT, CUSTOM_ALIGNMENT = 13, 1


class Draft(NamedTuple):
    """A tensor before it has a place."""

    name: str
    shape: tuple[int, ...]
    type: int

    @property
    def size(self) -> int:
        """Bytes; of a type that there is not, one for each element."""
        kind = TENSOR_TYPES.get(self.type, TensorType("", 1, 1))
        return math.prod(self.shape) // kind.block * kind.size


def make_case(name: str, seed: int) -> bytes:
    """The file of one case."""
    return CASES[name](random.Random(seed)).bytes()


def make_entry(source: random.Random, key: str | bytes) -> bytes:
    """A metadata entry of any type."""
    kind = source.choice([*SCALARS, ValueType.STRING, ValueType.ARRAY])
    if kind is not ValueType.ARRAY:
        return maker.entry(key, kind, _content(source, kind))
    kind = source.choice([*SCALARS, ValueType.STRING])
    items = [_content(source, kind) for _ in range(source.randrange(24))]
    return maker.entry_array(key, kind, items)


def _content(source: random.Random, kind: ValueType) -> object:
    if kind is ValueType.STRING:
        return "".join(source.choices("aé\u6771 <|>\n{}%", k=source.randrange(40)))
    if kind is ValueType.BOOL:
        return source.random() < 0.5
    if kind in (ValueType.FLOAT32, ValueType.FLOAT64):
        return source.randrange(-(2**20), 2**20) / 8
    width = 8 * struct.calcsize(SCALARS[kind])
    lowest = -(2 ** (width - 1)) if SCALARS[kind][1].islower() else 0
    return source.randrange(lowest, lowest + 2**width)


def make_entries(source: random.Random) -> tuple[bytes, ...]:
    return tuple(make_entry(source, f"my_key_{n}") for n in range(source.randrange(8, 40)))


def make_drafts(source: random.Random) -> list[Draft]:
    """Tensors of any type with one to four dimensions."""
    drafts = []
    for number in range(source.randrange(4, 20)):
        kind = source.choice(list(TENSOR_TYPES))
        rows = [source.randrange(1, 7) for _ in range(source.randrange(4))]
        shape = (source.randrange(1, 5) * TENSOR_TYPES[kind].block, *rows)
        drafts.append(Draft(f"my_tensor_{number}", shape, kind))
    # Sizes that no alignment but 1 fits, so that a wrong one shows.
    return [Draft("my_tensor_odd", (33,), 24), *drafts, Draft("my_tensor_last", (64,), 0)]


def lay_out(drafts: list[Draft], alignment: int = 32) -> tuple[tuple[bytes, ...], bytes]:
    """Descriptions and data of tensors that follow each other."""
    infos, at = [], 0
    for draft in drafts:
        infos.append(maker.tensor_info(draft.name, draft.shape, draft.type, at))
        at += -(-draft.size // alignment) * alignment
    return tuple(infos), bytes(index % 256 for index in range(at))


def with_tensors(source: random.Random, alignment: int = 32) -> Parts:
    """A sound file with entries and tensors."""
    infos, data = lay_out(make_drafts(source), alignment)
    return Parts(make_entries(source), infos, data)


def _header(**changes: object) -> Callable[[random.Random], Parts]:
    return lambda source: Parts()._replace(**changes)  # type: ignore[arg-type]


def _entries(change: Callable[[int, bytes], bytes]) -> Callable[[random.Random], Parts]:
    """Every entry changed, by its number and its bytes."""
    return lambda source: Parts(
        tuple(change(number, entry) for number, entry in enumerate(make_entries(source)))
    )


def _rekeyed(key: Callable[[int], bytes]) -> Callable[[random.Random], Parts]:
    """Every entry under another key: its number to length and text."""

    def change(number: int, entry: bytes) -> bytes:
        (length,) = struct.unpack_from("<Q", entry)
        return key(number) + entry[8 + length :]

    return _entries(change)


def _retyped(number: int, entry: bytes) -> bytes:
    (length,) = struct.unpack_from("<Q", entry)
    return entry[: 8 + length] + struct.pack("<I", NO_VALUE_TYPE) + entry[12 + length :]


def _aligned(
    make: Callable[[random.Random], Parts], alignment: int, kind: int = maker.U32
) -> Callable[[random.Random], Parts]:
    """The file with an entry for its alignment."""

    def build(source: random.Random) -> Parts:
        parts = make(source)
        entry = maker.entry("general.alignment", kind, alignment)
        return parts._replace(entries=(*parts.entries, entry), alignment=alignment)

    return build


def _only_entries(source: random.Random) -> Parts:
    return Parts(make_entries(source))


def _tensors(change: Callable[[Draft], bytes]) -> Callable[[random.Random], Parts]:
    """Every tensor described in another way."""

    def build(source: random.Random) -> Parts:
        _, data = lay_out(drafts := make_drafts(source))
        return Parts(make_entries(source), tuple(change(draft) for draft in drafts), data)

    return build


def _shaped(shape: tuple[int, ...], kind: int | None = None) -> Callable[[random.Random], Parts]:
    return _tensors(
        lambda draft: maker.tensor_info(draft.name, shape, draft.type if kind is None else kind, 0)
    )


def _two_that_wrap(source: random.Random) -> Parts:
    length = 0x7FFFFFFFFFFFFFC0
    infos = tuple(maker.tensor_info(f"t{n}", (length,), 24, n * length) for n in range(2))
    return Parts(make_entries(source), infos, bytes(32))


def _cut(source: random.Random) -> Parts:
    parts = with_tensors(source)
    return parts._replace(data=parts.data[:-1])


def _empty_tensors(source: random.Random) -> Parts:
    drafts = [draft._replace(shape=(draft.shape[0], 0)) for draft in make_drafts(source)]
    infos, data = lay_out(drafts)
    return Parts(make_entries(source), infos, data)


def _described(draft: Draft, **changes: object) -> bytes:
    changed = draft._replace(**changes)  # type: ignore[arg-type]
    return maker.tensor_info(changed.name, changed.shape, changed.type, 0)


def _misaligned(source: random.Random) -> Parts:
    return with_tensors(source, alignment=1)


_custom = _aligned(_misaligned, CUSTOM_ALIGNMENT)
_bad_alignment = _aligned(with_tensors, BAD_ALIGNMENT)

CASES: dict[str, Callable[[random.Random], Parts]] = {
    "HEADER_BAD_MAGIC": _header(magic=b"FUGG"),
    "HEADER_BAD_VERSION_0": _header(version=0),
    "HEADER_BAD_VERSION_1": _header(version=1),
    "HEADER_BAD_VERSION_FUTURE": _header(version=4),
    "HEADER_BAD_N_TENSORS": _header(tensor_count=MOST),
    "HEADER_BAD_N_KV": _header(entry_count=MOST),
    "HEADER_EMPTY": _header(),
    "KV_BAD_KEY_SIZE": _rekeyed(lambda number: struct.pack("<Q", MOST) + b"my_key"),
    "KV_EMPTY_KEY": _rekeyed(lambda number: maker.string("")),
    "KV_BAD_TYPE": _entries(_retyped),
    "KV_BAD_VALUE_SIZE": _entries(
        lambda number, entry: (
            maker.string(f"my_key_{number}") + struct.pack("<IQ", maker.STRING, MOST)
        )
    ),
    "KV_DUPLICATE_KEY": _rekeyed(lambda number: maker.string(f"my_key_{number // 2}")),
    "KV_BAD_ALIGN": _aligned(_only_entries, BAD_ALIGNMENT),
    "KV_WRONG_TYPE_ALIGN": _aligned(_only_entries, 32, maker.I32),
    "KV_SUCCESS": _only_entries,
    "TENSORS_BAD_NAME_SIZE": _tensors(lambda draft: _described(draft, name=draft.name * 8)),
    "TENSORS_BAD_N_DIMS": _shaped((1, 1, 1, 1, 1)),
    "TENSORS_BAD_SHAPE": _shaped((MOST, MOST)),
    "TENSORS_ZERO_DIM": _empty_tensors,
    "TENSORS_NE_TOO_BIG": _shaped((4 * (2**31 - 1), 4 * (2**31 - 1))),
    "TENSORS_NBYTES_TOO_BIG": _shaped((1_534_000_000, 1_534_000_000), 27),
    "TENSORS_NBYTES_PAD_WRAP": _shaped((4, 2**30 - 1, 2**30 + 1), 0),
    "TENSORS_BAD_TYPE": _tensors(lambda draft: _described(draft, type=NO_TENSOR_TYPE)),
    "TENSORS_BAD_OFFSET": _tensors(
        lambda draft: maker.tensor_info(draft.name, draft.shape, draft.type, MOST)
    ),
    "TENSORS_DUPLICATE_NAME": _tensors(lambda draft: _described(draft, name="my_tensor")),
    "TENSORS_BAD_ALIGN": _bad_alignment,
    "TENSORS_INCONSISTENT_ALIGN": _misaligned,
    "TENSORS_SUCCESS": with_tensors,
    "TENSORS_CUSTOM_ALIGN": _custom,
    "DATA_NOT_ENOUGH_DATA": _cut,
    "DATA_BAD_ALIGN": _bad_alignment,
    "DATA_INCONSISTENT_ALIGN": _misaligned,
    "DATA_MEM_SIZE_OVERFLOW": _two_that_wrap,
    "DATA_SUCCESS": with_tensors,
    "DATA_CUSTOM_ALIGN": _custom,
}
ACCEPTED = frozenset(
    ("HEADER_EMPTY", "KV_SUCCESS", "TENSORS_ZERO_DIM", "TENSORS_SUCCESS", "TENSORS_CUSTOM_ALIGN")
) | {"DATA_SUCCESS", "DATA_CUSTOM_ALIGN"}
