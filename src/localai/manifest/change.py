"""Change a manifest on disk: one command at a time, and no moment without a signature that holds.

Whoever reads a manifest to write it again does both under :func:`changing`; otherwise two
commands, or two officers who sign in one folder, read the same version, and what the first one
wrote is lost.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from shlex import quote

from localai.atomicfile import write_whole
from localai.errors import DocumentError
from localai.locking import locked_folder
from localai.manifest.envelope import LIMIT, envelope_beside, parse_envelope
from localai.smallfile import read_small


def changing(folder: Path) -> AbstractContextManager[None]:
    """Keep every other command, whoever's it is, from changing manifests in ``folder``. Raises
    StateError."""
    return locked_folder(folder)


def read_signatures(path: Path) -> bytes | None:
    """The envelope beside the file ``path``, to be added to; None if there is none.

    Raises DocumentError if it is malformed, StateError if it cannot be read.
    """
    beside = envelope_beside(path)
    raw = read_small(beside, limit=LIMIT)
    try:
        if raw is not None:
            parse_envelope(raw)
    except DocumentError as error:
        aside = quote(f"{beside}.damaged")
        raise DocumentError(
            f"{beside}: {error.message}",
            hint=f"mv {quote(str(beside))} {aside}; then all sign again",
        ) from error
    return raw


def write_signed(path: Path, raw: bytes, signatures: bytes) -> None:
    """Write a manifest and its envelope. Raises StateError.

    Two files cannot be replaced at once. The envelope goes first and still holds what was signed
    before (``previous`` of add_signature): after a crash in between the old manifest counts, and
    so it does for whoever reads meanwhile.
    """
    write_whole(envelope_beside(path), signatures, mode=0o644)
    write_whole(path, raw, mode=0o644)
