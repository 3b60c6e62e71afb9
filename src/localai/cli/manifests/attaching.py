"""Signatures that are made elsewhere: what is to be signed, and what came back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.cli.choosing import choose_manifest
from localai.cli.manifests.editing import keys_that_count
from localai.cli.roots.signers import take_from
from localai.cli.surroundings import Surroundings
from localai.errors import StateError, UsageError
from localai.manifest.change import changing, read_signatures
from localai.manifest.envelope import (
    MANIFEST_TYPE,
    encode_for_signing,
    envelope_beside,
)
from localai.manifest.keyfile import load_public
from localai.manifest.load import read_manifest, verify_file
from localai.manifest.schema import Manifest
from localai.manifest.signature import PublicKey
from localai.manifest.signing import attach_signatures
from localai.manifest.verify import Verification
from localai.manifest.write import renew
from localai.reports.request import write_request


class Asked(NamedTuple):
    """A manifest as it lies there, and the bytes that its signers sign."""

    path: Path
    manifest: Manifest
    raw: bytes

    @property
    def payload(self) -> bytes:
        return encode_for_signing(MANIFEST_TYPE, self.raw)


def ask_for(around: Surroundings, manifest: str | None, days: int | None) -> Asked:
    """What is to be signed; with ``days`` after the version was raised and the dates renewed in
    the file. Raises UsageError if no signature over it would be worth anything."""
    path = choose_manifest(around.places, manifest)
    with changing(path.parent):
        before, _ = read_manifest(path)
        raw = before if days is None else renew(before, around.today, days)
        keys_that_count(around, path, raw)
        if raw != before:
            write_whole(path, raw, mode=0o644)
    return Asked(path, read_manifest(path)[1], raw)


def write_request_folder(asked: Asked, folder: Path | None) -> Path:
    """Write all that a signer without localai needs, whole or not at all, and return where.

    Raises StateError if it cannot be written or there is something of that name.
    """
    manifest = asked.manifest
    folder = folder or Path(f"{manifest.name}-{manifest.version}.request")
    beside = folder.with_name(f".{folder.name}.{os.urandom(6).hex()}.new")
    if folder.exists():
        raise StateError(f"{folder} exists already", hint="--folder ANOTHER-NAME")
    try:
        beside.mkdir(mode=0o755)
        try:
            for name, content in write_request(manifest, asked.raw, asked.payload).items():
                write_whole(beside / name, content, mode=0o644)
            beside.rename(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise StateError(
            f"cannot write {folder}: {error.strerror}", hint="--folder in a place that you can use"
        ) from error
    return folder


def attach(
    around: Surroundings, manifest: str | None, file: Path, key: Path | None
) -> tuple[Path, Verification]:
    """Put the signatures in ``file`` beside those that the manifest has, and verify the result.

    ``key`` is whose it is; without it each key of the root of trust is tried. Raises UsageError if
    it would be worth nothing, DocumentError if it holds for none of the keys.
    """
    path = choose_manifest(around.places, manifest)
    signer = take_from(file, key)
    with changing(path.parent):
        raw, _ = read_manifest(path)
        trusted = keys_that_count(around, path, raw)
        counted = _trust_given(key) if trusted is None else trusted
        mine, present = signer(MANIFEST_TYPE, raw, counted), read_signatures(path)
        signed = attach_signatures(MANIFEST_TYPE, raw, mine, present, trusted)
        write_whole(envelope_beside(path), signed, mode=0o644)
    return path, verify_file(path, around.places, around.today)


def _trust_given(key: Path | None) -> list[PublicKey]:
    """Where no root of trust says whose keys count, somebody must say whose signature it is."""
    if key is None:
        raise UsageError(
            "there is no root of trust here that could say whose keys count",
            hint="--key with the signer's public key or certificate",
        )
    return [load_public(key)]
