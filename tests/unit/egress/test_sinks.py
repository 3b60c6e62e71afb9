"""What a sink takes in, however it comes."""

from __future__ import annotations

import fcntl
import os

from localai.egress.sinks import follow


def test_a_nonce_that_comes_in_two_halves_is_seen_whole() -> None:
    """As one does that is typed into a terminal, letter by letter, while somebody looks."""
    end, stream = os.pipe()
    fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 1 << 18)
    try:
        os.set_blocking(end, False)
        look = follow(end)
        os.write(stream, b"before no")
        assert look() == b"before no"
        assert look() == b""
        os.write(stream, b"nce after")
        assert look() == b"before nonce after"
        os.write(stream, bytes(100_000) + b"end")  # more than is read at once
        assert look().endswith(bytes(100_000) + b"end")
    finally:
        os.close(end)
        os.close(stream)
