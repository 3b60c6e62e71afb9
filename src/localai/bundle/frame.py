"""The frame of a bundle: a tar as any program unpacks it, of which one form alone is read.

A reader computes the header that must come next and compares 512 bytes. So nothing else can be in
a bundle: no link, no folder, no path, no member more or twice, no extension, no sparse file.

Source: POSIX.1-2017, pax, "ustar Interchange Format"; sizes from 8 GiB on are binary, as in the
GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

BLOCK = 512
END = bytes(2 * BLOCK)
"""What stands after the last member. Nothing stands after it."""

_CHECKSUM = slice(148, 156)
_SIZE = slice(124, 136)
_OCTAL = 8 << 30  # sizes below this have eleven octal digits


def make_header(name: str, size: int) -> bytes:
    """The header of a member. ``name`` is ASCII, of at most 100 characters."""
    header = b"".join(
        (
            name.encode("ascii").ljust(100, b"\0"),
            b"0000644\0",  # mode
            b"0000000\0" * 2,  # uid, gid
            b"%011o\0" % size if size < _OCTAL else b"\x80" + size.to_bytes(11, "big"),
            b"00000000000\0",  # time of change
            b" " * 8,
            b"0",  # a regular file
            bytes(100),
            b"ustar\x0000",
        )
    ).ljust(BLOCK, b"\0")
    return header[: _CHECKSUM.start] + b"%06o\0 " % sum(header) + header[_CHECKSUM.stop :]


def read_size(header: bytes) -> int:
    """The size that a small member's header claims; 0 if it claims none. The header is still to be
    compared with the one that must be there."""
    digits = header[_SIZE][:11]
    return int(digits, 8) if digits.strip(b"01234567") == b"" and len(digits) == 11 else 0


def make_padding(size: int) -> bytes:
    """What fills the last block of a member."""
    return bytes(-size % BLOCK)
