"""The GGUF reader, with files that are well-formed but for the numbers in them.

A mutation of plain bytes rarely gets a length right. Here the input is a list of decisions from
which a file is put together, so that it comes far into the reader.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import gguf_maker as maker
from fuzzing import gguf_reader
from localai.gguf.types import TENSOR_TYPES

MODULES = gguf_reader.MODULES
LONGEST = 512
WORDS = ()
prepare = gguf_reader.prepare
NUMBERS: tuple[int, ...] = (0, 1, 2, 8, 31, 32, 64, 256, 4096, 65_535, 65_536, 1 << 24)
NUMBERS += tuple((1 << power) - less for power in (31, 32, 62, 63, 64) for less in (1, 32))
KEYS = ("general.alignment", "general.tags", "tokenizer.ggml.tokens", "k", "k\n", "\u202ek", "")
MOST = 12  # entries, tensors, elements


def run(data: bytes) -> None:
    gguf_reader.run(build(data))


class Decisions:
    """Numbers from ``data``, byte by byte; zero when it has ended."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def below(self, end: int) -> int:
        return next(self._bytes, 0) % end

    def number(self, width: int = 8) -> int:
        choice = next(self._bytes, 0)
        if choice < 64:
            return choice % (1 << 8 * width)
        return NUMBERS[choice % len(NUMBERS)] % (1 << 8 * width)


def build(data: bytes) -> bytes:
    """The file that ``data`` decides on."""
    choose = Decisions(data)
    entries = tuple(_entry(choose, place) for place in range(choose.below(MOST)))
    tensors = tuple(_tensor(choose, place) for place in range(choose.below(MOST)))
    parts = maker.Parts(entries, tensors, bytes(choose.below(256) * 32))
    if choose.below(8) == 7:
        parts = parts._replace(entry_count=choose.number())
    if choose.below(8) == 7:
        parts = parts._replace(tensor_count=choose.number())
    whole = parts._replace(version=(3, 3, 3, 2, 1, 4)[choose.below(6)]).bytes()
    return whole[: -choose.below(64)] if choose.below(8) == 7 else whole


def _entry(choose: Decisions, place: int) -> bytes:
    key = KEYS[choose.below(len(KEYS))] + str(place) * (choose.below(2))
    kind = choose.below(13)
    if kind != maker.ARRAY:
        return maker.string(key) + kind.to_bytes(4, "little") + _value(choose, kind)
    kind, count = choose.below(14), choose.below(MOST)
    claimed = choose.number() if choose.below(4) == 3 else count
    head = maker.string(key) + b"".join(n.to_bytes(4, "little") for n in (maker.ARRAY, kind))
    return (
        head + claimed.to_bytes(8, "little") + b"".join(_value(choose, kind) for _ in range(count))
    )


def _value(choose: Decisions, kind: int) -> bytes:
    if kind == maker.STRING:
        text = ("", "text", b"\xff", "\u202e\n", "x" * 300)[choose.below(5)]
        whole = maker.string(text)
        return choose.number().to_bytes(8, "little") + whole[8:] if choose.below(8) == 7 else whole
    if kind >= maker.ARRAY and kind not in (maker.U64, maker.I64, maker.F64):
        return choose.number().to_bytes(8, "little")  # an array in an array, or no type at all
    width = len(maker.value(kind, 0))
    return choose.number(width).to_bytes(width, "little")


def _tensor(choose: Decisions, place: int) -> bytes:
    name = f"t{place}" if choose.below(8) else "t"
    kinds = (*TENSOR_TYPES, 4, 31, 99)
    shape = [choose.number() for _ in range(choose.below(6))]
    offset = choose.number() if choose.below(4) == 3 else place * 32
    return maker.tensor_info(name, shape, kinds[choose.below(len(kinds))], offset)


def seeds() -> Iterator[bytes]:
    """Random decisions."""
    source = random.Random(1)
    for length in (0, 8, 32, 128, 512):
        yield source.randbytes(length)
