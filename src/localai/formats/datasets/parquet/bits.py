"""Numbers of 1 to 32 bits, packed without gaps, the lowest bits first.

Packed numbers are one long number: its upper half is moved up to where it belongs, then the upper
half of each half, and so on, until each number has a lane of its own. That is ten steps over a
thousand numbers, where a loop would take a thousand. Little-endian machines only, as all of ours.
"""

from __future__ import annotations

from array import array
from functools import cache

PIECE = 1024  # numbers that are unpacked at once


def unpack(packed: bytes, width: int, count: int) -> array[int]:
    """The first ``count`` numbers, at most PIECE, of ``width`` bits; ``packed`` has them all."""
    kind, lane = ("B", 8) if width <= 8 else ("H", 16) if width <= 16 else ("I", 32)
    spread = int.from_bytes(packed, "little") & ((1 << width * count) - 1)
    for mask, shift in _steps(width, lane):
        low = spread & mask
        spread = low | (spread ^ low) << shift
    return array(kind, spread.to_bytes(count * lane // 8, "little"))


@cache
def _steps(width: int, lane: int) -> tuple[tuple[int, int], ...]:
    """(mask of what stays, bits by which the rest moves) of each step."""
    steps = []
    half = PIECE // 2
    while half:
        once = ((1 << PIECE * lane) - 1) // ((1 << 2 * half * lane) - 1)  # 1, where each block is
        steps.append((((1 << half * width) - 1) * once, half * (lane - width)))
        half //= 2
    return tuple(steps) if width < lane else ()
