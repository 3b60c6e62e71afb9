"""Ways out by locks on files: nothing is written, and whoever else may open the file sees them."""

from __future__ import annotations

import fcntl
import os

from localai.egress.probes.probe import KEEPERS, Probe, Target, text

BITS = 28  # of a nonce
_held: list[int] = []  # a lock lasts as long as its descriptor


def _open(target: Target, name: str) -> int:
    _held.append(os.open(f"{text(target, 'directory')}/{name}", os.O_RDONLY | os.O_CLOEXEC))
    return _held[-1]


def lock_files(target: Target, nonce: bytes) -> None:
    """Lock whole files (flock(2)), one for each bit of the nonce that is set."""
    for bit in range(BITS):
        if int(nonce, 16) >> bit & 1:
            fcntl.flock(_open(target, f"lock-{bit}"), fcntl.LOCK_EX)


def lock_range(target: Target, nonce: bytes) -> None:
    """Lock one byte of a file for reading (F_SETLK in fcntl(2)): its place is the nonce."""
    fcntl.lockf(_open(target, "range"), fcntl.LOCK_SH | fcntl.LOCK_NB, 1, int(nonce, 16))


PROBES = (
    Probe("lock-files", "locks on files that others may read", "directory", lock_files,
          passes=KEEPERS),
    Probe("lock-range", "the place of a lock in a file", "directory", lock_range,
          passes=KEEPERS),
)  # fmt: skip
