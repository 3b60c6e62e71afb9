"""A small interpreter of the BPF that seccomp filters are made of, to see them decide."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from localai.sandbox.seccomp import (
    AND,
    JUMP_EQUAL,
    JUMP_GREATER_EQUAL,
    LOAD_WORD,
    RETURN,
    Action,
    Instruction,
)


def decide(
    program: Sequence[Instruction], architecture: int, number: int, arguments: Sequence[int] = ()
) -> Action:
    """What ``program`` answers to a system call. Raises IndexError if it runs off its end."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    words = [word & 0xFFFFFFFFFFFFFFFF for word in padded]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *words)
    accumulator = at = 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code == LOAD_WORD:
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif code == AND:
            accumulator &= k
        elif code == JUMP_EQUAL:
            at += yes if accumulator == k else no
        elif code == JUMP_GREATER_EQUAL:
            at += yes if accumulator >= k else no
        elif code == RETURN:
            return Action(k)
        else:
            raise ValueError(f"unknown instruction {code:#x}")
