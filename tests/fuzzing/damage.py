"""Inputs for hypothesis: a target's seeds with a few bytes changed, put in, or cut off."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of ``seeds`` after up to four changes; what is put in may be one of ``words``."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        known = bool(words) and draw(st.booleans())
        new = draw(st.sampled_from(words) if known else st.binary())
        kept = place + draw(st.sampled_from((0, len(new))))  # put in, or put over
        data[place:kept] = new
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)
