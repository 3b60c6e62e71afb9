"""``localai manifest import``: take a signed manifest in, whoever brings it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.errors import Exit, StateError
from localai.terminal import show_path

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.manifest.verify import LoadedManifest


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="a manifest, with its signatures, NAME.dsse.json, beside it, or both in one "
            "envelope (manifest export --dsse)"
        ),
    ],
) -> int:
    """Take in a manifest that those whom the root of trust names have signed, for this account.

    No administrator is needed: the signatures authorise, not the directory. Exit code 3: it is
    not in force, and nothing was written.
    """
    from localai.cli.manifests.manifestscreen import show_verification
    from localai.cli.surroundings import look_around
    from localai.findings import refused
    from localai.manifest.change import changing
    from localai.manifest.folders import imported_directory
    from localai.places import make_private

    around = look_around()
    with changing(make_private(imported_directory(around.places))):
        found = _bring(around, file)
    console.out(show_verification(found.path, found.verification, console.width()))
    if refused(found.findings):
        console.say("not imported, nothing was written")
        return Exit.REFUSED
    console.say(f"imported: {show_path(found.path)}")
    return Exit.DONE


def _bring(around: Surroundings, file: Path) -> LoadedManifest:
    """Verify ``file`` as a start would, and store it if it is in force.

    Raises DocumentError if there is none, UsageError if it would not count beside what is here.
    """
    from localai.cli.choosing import all_manifests
    from localai.findings import refused
    from localai.manifest import envelope
    from localai.manifest.folders import check_count, imported_directory
    from localai.manifest.intake import put, refuse_rival, role_of
    from localai.manifest.load import (
        load_trust,
        read_manifest,
        verify_bytes,
        verify_file,
        verify_files,
    )
    from localai.manifest.verify import LoadedManifest
    from localai.smallfile import read_small

    if unpacked := _unpack(file):
        verification = verify_bytes(*unpacked, around.places, around.today)
    else:
        verification = verify_file(file, around.places, around.today)
    found = LoadedManifest(file, verification)
    if refused(found.findings):
        return found
    if not unpacked:
        signatures = read_small(envelope.envelope_beside(file), limit=envelope.LIMIT)
        unpacked = read_manifest(file)[0], signatures or b""
        # Whoever brings it may change it meanwhile: what is stored is what was verified.
        found = found._replace(verification=verify_bytes(*unpacked, around.places, around.today))
        if refused(found.findings):
            return found
    present = verify_files(all_manifests(around.places), around.places, around.today)
    path = imported_directory(around.places) / f"{found.name}.yaml"
    refuse_rival(found, present, path.parent)
    check_count(path)
    root = load_trust(around.places, around.today).root
    assert root is not None  # nothing is in force without one
    put(path, *unpacked, envelope.MANIFEST_TYPE, role_of(found.verification, root))
    # What lies there now is what is told, whatever happened to the file that was brought.
    return LoadedManifest(path, verify_file(path, around.places, around.today))


def _unpack(file: Path) -> tuple[bytes, bytes] | None:
    """The manifest in an envelope, and the envelope without it, as the two lie beside each other;
    None if ``file`` is no such envelope. Raises DocumentError for one that is malformed."""
    from localai.manifest import envelope, schema
    from localai.smallfile import read_small

    limit = schema.LIMIT * 4 // 3 + envelope.LIMIT
    try:
        raw = read_small(file, limit=limit)
    except StateError:
        return None  # whoever reads it as a manifest says what is wrong
    parts = envelope.parse_self_contained(raw, limit=limit) if raw else None
    return (parts[0], envelope.write_envelope(parts[1])) if parts else None
