"""Key files: ``NAME.pem`` (private, 0600) and ``NAME.pub.pem`` beside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from localai.atomicfile import write_whole
from localai.errors import DocumentError, KeyFileError
from localai.manifest.signature import (
    PrivateKey,
    PublicKey,
    is_locked,
    load_private_key,
    read_public_key,
    write_private_key,
    write_private_key_unencrypted,
)
from localai.places import make_private
from localai.smallfile import read_small

LIMIT = 16 * 1024
"""Bytes that a key file may have."""

SHORTEST_PASSPHRASE = 12
"""Characters. NIST SP 800-63B asks for 8 where guesses can be throttled: a stolen file's cannot."""


def public_beside(private: Path) -> Path:
    """Where the public half of the key file ``private`` lies."""
    return private.with_suffix(".pub.pem")


def save_key(path: Path, private: PrivateKey, passphrase: str | None) -> None:
    """Write the two files of a new key; neither replaces one that exists.

    ``passphrase`` None leaves the key unencrypted, for whoever asked for that in so many words.
    Raises KeyFileError for a passphrase that is too short, StateError if a file cannot be written.
    """
    if passphrase is None:
        text = write_private_key_unencrypted(private)
    elif len(passphrase) >= SHORTEST_PASSPHRASE:
        text = write_private_key(private, passphrase)
    else:
        raise KeyFileError(
            f"a passphrase of {len(passphrase)} characters: expected {SHORTEST_PASSPHRASE} or more",
            hint="four or five words that nobody would guess are easy to keep in mind",
        )
    make_private(path.parent)
    write_whole(path, text.encode(), mode=0o600, replace=False)
    write_whole(public_beside(path), private.public.pem.encode(), mode=0o644)


def load_key(path: Path, ask: Callable[[], str]) -> PrivateKey:
    """Read a private key; ``ask`` is called for the passphrase if the key has one.

    Raises KeyFileError: no such file, readable for others, wrong passphrase, no such key.
    """
    pem = _read_private(path)
    passphrase = ask() if is_locked(pem) else None
    try:
        return load_private_key(pem, passphrase)
    except KeyFileError as error:
        hint = (
            error.hint or "localai keys show lists your keys, localai keys generate makes another"
        )
        raise KeyFileError(f"{path}: {error.message}", hint=hint) from error


def load_public(path: Path) -> PublicKey:
    """Read a public key, or the one in a certificate. Raises DocumentError or StateError."""
    content = read_small(path, limit=LIMIT)
    if content is None:
        raise DocumentError(f"there is no key {path}", hint="localai keys show")
    try:
        return read_public_key(content)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error.message}", hint=error.hint) from error


def describe_private(path: Path) -> str:
    """Whether a private key is encrypted, without opening it. Raises KeyFileError."""
    encrypted = b"ENCRYPTED" in _read_private(path)
    return "encrypted" if encrypted else "NOT encrypted"


def _read_private(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyFileError(
            f"there is no key {path}",
            hint="localai keys show lists them, localai keys generate makes one",
        ) from error
    except OSError as error:
        raise KeyFileError(
            f"cannot read {path}: {error.strerror}", hint=f"ls -l {path}, and make it readable"
        ) from error
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise KeyFileError(
                f"{path} is not a regular file", hint=f"ls -l {path}, and replace it"
            )
        if found.st_mode & 0o077:
            raise KeyFileError(
                f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: others may use this key",
                hint=f"chmod 600 {path}; if others could read it, make a new key instead",
            )
        content = file.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise KeyFileError(
            f"{path} has more than {LIMIT} bytes: not a private key", hint=f"ls -l {path}"
        )
    return content
