"""``localai manifest`` for signers whose keys lie elsewhere: on a card, in a module, on Windows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.cli.arguments import KeyOfSignature, OneManifest, SignatureFile
from localai.errors import Exit
from localai.terminal import show_path


def attach_signature(
    signature: SignatureFile,
    manifest: OneManifest = None,
    key: KeyOfSignature = None,
) -> int:
    """Add a signature that a card, a module or another tool made over the payload."""
    from localai.cli.manifests.attaching import attach
    from localai.cli.manifests.manifestscreen import show_verification
    from localai.cli.surroundings import look_around

    path, verification = attach(look_around(), manifest, signature, key)
    console.out(show_verification(path, verification, console.width()))
    return Exit.DONE


def request_signature(
    manifest: OneManifest = None,
    folder: Annotated[
        Path | None, typer.Option(help="what to make; NAME-VERSION.request if left out")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="raise the version first, to hold so long from today"),
    ] = None,
) -> int:
    """Make a folder for a signer who has neither localai nor openssl: what to sign, a page that
    says what it is, and a script for Windows."""
    from hashlib import sha256

    from localai.cli.manifests.attaching import ask_for, write_request_folder
    from localai.cli.surroundings import look_around

    asked = ask_for(look_around(), manifest, days)
    made = write_request_folder(asked, folder)
    console.say(
        f"made: {show_path(made)}. send it to the signer, and tell them this SHA-256 another way"
    )
    console.out(sha256(asked.payload).hexdigest())
    return Exit.DONE
