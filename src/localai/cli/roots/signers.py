"""Who signs: a key here, or one that lies elsewhere.

Both are the same to whoever adds the signatures: a function of what is to be signed and of the keys
whose signatures would count, which gives each signature and the key that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from localai.cli.choosing import choose_key
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, UsageError
from localai.manifest.envelope import LIMIT
from localai.manifest.keyfile import load_public
from localai.manifest.signature import PublicKey, sign
from localai.manifest.signing import Made, take_signatures
from localai.smallfile import read_small

Signer = Callable[[str, bytes, Sequence[PublicKey]], Made]
"""Takes the payload type, the body and the keys that count."""


def sign_here(around: Surroundings, key: str | None) -> Signer:
    """A key of this account signs. Its passphrase is asked for now, while nobody waits."""
    private = choose_key(around.places, key)

    def make(kind: str, body: bytes, counted: Sequence[PublicKey]) -> Made:
        _refuse_unlisted(private.public, counted)
        return [(sign(kind, body, private), private.public)]

    return make


def take_from(file: Path, key: Path | None) -> Signer:
    """A card, a module or another tool signed, or localai a copy, and ``file`` holds what it made;
    ``key`` is whose it is, else each key that counts is tried. Raises DocumentError or
    StateError."""
    content = read_small(file, limit=LIMIT)
    if content is None:
        raise DocumentError(f"there is no signature {file}", hint="check the name")
    given = None if key is None else load_public(key)

    def make(kind: str, body: bytes, counted: Sequence[PublicKey]) -> Made:
        if given is not None:
            _refuse_unlisted(given, counted)
        try:
            return take_signatures(kind, body, content, counted if given is None else [given])
        except DocumentError as error:
            hint = error.hint or "get it again from its signer"
            raise DocumentError(f"{file}: {error.message}", hint=hint) from error

    return make


def _refuse_unlisted(public: PublicKey, counted: Sequence[PublicKey]) -> None:
    if public not in counted:
        raise UsageError(
            "no role that may sign this lists the key: its signature would count for nothing",
            hint="localai trust show lists the keys of every role",
        )
