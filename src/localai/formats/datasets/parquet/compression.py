"""Unpack a page into a buffer of exactly the size that it states: no bomb finds room.

The only import of ``cramjam``. Of gzip, too, which the standard library would unpack member by
member: each copies all that follows it.
"""

from __future__ import annotations

from collections.abc import Callable

from localai.formats.datasets.parquet.effort import UnreadError, malformed


def unpack(packed: bytes, size: int, codec: int) -> bytes | bytearray:
    """The ``size`` bytes in ``packed``, by the number of its compression (``CompressionCodec``).

    Raises DocumentError if they are not as many, UnreadError if nothing here can unpack them.
    """
    if not codec:
        if len(packed) != size:
            raise malformed(f"a page of {len(packed)} bytes; expected {size}")
        return packed
    if codec == 3:
        raise UnreadError("packed by LZO")
    found = bytearray(size)
    if codec == 5:
        _unframe(packed, memoryview(found))
    else:
        _fill(packed, memoryview(found), codec)
    return found


def _fill(packed: bytes | memoryview, room: memoryview, codec: int) -> None:
    """Unpack into ``room``, to its last byte."""
    try:
        import cramjam
    except (ImportError, ValueError) as error:  # it lets a variable choose another build of it
        raise UnreadError(f"cramjam cannot be loaded: {error}") from error

    into: dict[int, Callable[[bytes | memoryview, memoryview], int]] = {
        1: cramjam.snappy.decompress_raw_into,
        2: cramjam.gzip.decompress_into,
        4: cramjam.brotli.decompress_into,
        5: cramjam.lz4.decompress_block_into,
        6: cramjam.zstd.decompress_into,
        7: cramjam.lz4.decompress_block_into,
    }
    try:
        size = into[codec](packed, room) if packed or room else 0
    except cramjam.DecompressionError as error:
        raise malformed(f"a page that cannot be unpacked: {error}") from error
    if size != len(room):
        raise malformed(f"a page that unpacks to {size} bytes; expected {len(room)}")


def _unframe(packed: bytes, room: memoryview) -> None:
    """LZ4 as Hadoop frames it: before each block both its sizes, of four bytes, highest first.
    What other writers called LZ4 is framed otherwise, or not at all, and not looked at."""
    rest = memoryview(packed)
    while rest or room:
        size, length = (int.from_bytes(rest[at : at + 4], "big") for at in (0, 4))
        if not length or size > len(room) or length > len(rest) - 8:
            raise UnreadError("packed by LZ4 without Hadoop's frames")
        _fill(rest[8 : 8 + length], room[:size], 5)
        rest, room = rest[8 + length :], room[size:]
