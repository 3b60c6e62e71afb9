"""What the process that speaks to a hub is asked to do: one JSON document on its stdin.

Without files it says what lies in the repository; with files it brings them.
"""

from __future__ import annotations

import json
from typing import NamedTuple

PAUSES_S = (1.0, 2.0, 4.0)
"""Seconds between one try and the next, for a hub that is busy or cannot be reached."""

LONGEST_WAIT_S = 60.0
"""A hub that asks for more is told to somebody instead."""


class Piece(NamedTuple):
    """A file in a repository: ``digest`` is the hub's word for it, a SHA-256 or the identifier of
    git, and ``part`` the path that it is written to, or continued at."""

    path: str
    size: int
    digest: str
    part: str


class Errand(NamedTuple):
    """``url`` is the hub's address and ``origins`` all that may be spoken to; ``token`` goes to the
    hub's own origin alone. ``revision`` is exact where there are ``pieces``."""

    url: str
    origins: tuple[str, ...]
    repository: str
    dataset: bool
    revision: str
    token: str = ""
    pieces: tuple[Piece, ...] = ()
    pauses_s: tuple[float, ...] = PAUSES_S
    longest_wait_s: float = LONGEST_WAIT_S

    @property
    def kind(self) -> str:
        """The hub's word for what the repository holds."""
        return "dataset" if self.dataset else "model"


def write_errand(errand: Errand) -> bytes:
    """The document: :func:`read_errand` of it gives an equal one."""
    pieces = [piece._asdict() for piece in errand.pieces]
    return json.dumps({**errand._asdict(), "pieces": pieces}).encode()


def read_errand(raw: bytes) -> Errand:
    """Read what :func:`write_errand` wrote."""
    said = json.loads(raw)
    for key in ("origins", "pauses_s"):
        said[key] = tuple(said[key])
    said["pieces"] = tuple(Piece(**piece) for piece in said["pieces"])
    return Errand(**said)
