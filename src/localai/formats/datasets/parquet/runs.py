"""Runs of small numbers: levels, and indexes into a dictionary.

Source: Apache Parquet, "Run Length Encoding / Bit-Packing Hybrid". A few bytes may stand for two
thousand million equal numbers: such a run stays one, so that time goes by the bytes alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from localai.formats.datasets.parquet.bits import PIECE, unpack
from localai.formats.datasets.parquet.effort import Effort, malformed
from localai.formats.datasets.parquet.thrift import CompactReader

# Bytes that could be searched while a run is read, and while one packed number is.
_COST, _EACH = 32, 4
_SHORT = 128  # numbers; what writers pack together is longer


class Run(NamedTuple):
    """``length`` numbers: all of them ``value``, or, where they differ, those in ``listed``."""

    length: int
    value: int
    listed: array[int] | None = None

    @property
    def greatest(self) -> int:
        return self.value if self.listed is None else max(self.listed)

    def occurrences(self, value: int) -> int:
        if self.listed is None:
            return self.length if self.value == value else 0
        return self.listed.count(value)


def each_run(packed: bytes, width: int, count: int, effort: Effort) -> Iterator[Run]:
    """``count`` numbers of ``width`` bits, in pieces. Raises DocumentError if they are not all
    there; what follows them is padding. Short runs come together: whoever looks at each has his
    own costs."""
    short = array("I")
    for run in _each_stored(packed, width, count, effort):
        if run.length < _SHORT:
            short.extend([run.value] * run.length if run.listed is None else run.listed.tolist())
        if short and (run.length >= _SHORT or len(short) >= PIECE):
            yield Run(len(short), 0, short)
            short = array("I")
        if run.length >= _SHORT:
            yield run
    if short:
        yield Run(len(short), 0, short)


def _each_stored(packed: bytes, width: int, count: int, effort: Effort) -> Iterator[Run]:
    reader = CompactReader(packed)
    while count:
        effort.spend(_COST)
        head = reader.varint()
        length = head >> 1 << 3 if head & 1 else head >> 1
        if head & 1 and width:
            # Some writers leave out the padding of the last group.
            begin, size = reader.at, min(length * width // 8, len(packed) - reader.at)
            reader.pass_over(size)
            length = min(length, count, size * 8 // width)
            effort.spend(length * _EACH)
            yield from _each_piece(packed, begin, width, length)
        else:
            size = 0 if head & 1 else (width + 7) // 8
            reader.pass_over(size)
            value = int.from_bytes(packed[reader.at - size : reader.at], "little")
            length = min(length, count)
            yield Run(length, value)
        if not length:
            raise malformed("a run of nothing")
        count -= length


def _each_piece(packed: bytes, at: int, width: int, count: int) -> Iterator[Run]:
    step = PIECE * width // 8
    for done in range(0, count, PIECE):
        length = min(PIECE, count - done)
        yield Run(length, 0, unpack(packed[at : at + step], width, length))
        at += step


class Levels(NamedTuple):
    """The levels of a page's ``length`` values, each at most ``greatest``: how far down the columns
    a value is there at all (definition), or how far down it repeats (repetition)."""

    packed: bytes
    greatest: int
    length: int
    effort: Effort

    def runs(self) -> Iterator[Run]:
        """Raises DocumentError for a level that the schema does not have."""
        if not self.greatest:
            if self.length:
                yield Run(self.length, 0)
            return
        width = self.greatest.bit_length()
        for run in each_run(self.packed, width, self.length, self.effort):
            if run.greatest > self.greatest:
                raise malformed(f"a level of {run.greatest}, where there are {self.greatest}")
            yield run

    def occurrences(self, level: int) -> int:
        return sum(run.occurrences(level) for run in self.runs())

    def find(self, level: int, wanted: Sequence[int]) -> Iterator[int]:
        """The places, from 0, of the n-th values of this level; ``wanted`` lists each n, from 0
        and rising."""
        left, place, seen = list(reversed(wanted)), 0, 0
        for run in self.runs():
            found = run.occurrences(level)
            if left and left[-1] < seen + found:
                listed = run.listed
                places: Sequence[int] = range(run.length)
                if listed is not None:
                    places = [at for at, value in enumerate(listed) if value == level]
                while left and left[-1] < seen + found:
                    yield place + places[left.pop() - seen]
            seen, place = seen + found, place + run.length

    def count_until(self, level: int, places: Sequence[int]) -> Iterator[int]:
        """How many values up to each of these rising places, itself included, have this level."""
        left, place, seen = list(reversed(places)), 0, 0
        for run in self.runs():
            while left and left[-1] < place + run.length:
                upto = left.pop() - place + 1
                part = run.listed if run.listed is None else run.listed[:upto]
                yield seen + Run(upto, run.value, part).occurrences(level)
            seen, place = seen + run.occurrences(level), place + run.length
