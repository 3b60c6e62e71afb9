"""What a sink takes in, however it comes."""

from __future__ import annotations

import os

from localai.egress.sinks import follow


def test_a_nonce_that_comes_in_two_halves_is_seen_whole() -> None:
    """As one does that is typed into a terminal, letter by letter, while somebody looks."""
    end, stream = os.pipe()
    try:
        os.set_blocking(end, False)
        look = follow(end)
        os.write(stream, b"before no")
        assert look() == b"before no"
        assert look() == b""
        os.write(stream, b"nce after")
        assert b"nonce" in look()
    finally:
        os.close(end)
        os.close(stream)
