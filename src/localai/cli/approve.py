"""``localai approve``: show what a file is, and write and sign its entry."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli.arguments import (
    Artifact,
    DataClasses,
    EntryId,
    EntryName,
    Groups,
    Licence,
    Purposes,
    Safeguards,
    SourceText,
)


def command(
    file: Artifact,
    source: SourceText = "",
    licence: Licence = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="do not ask; needs source and licence")
    ] = False,
    name: EntryName = "",
    entry_id: EntryId = "",
    purpose: Purposes = None,
    data_class: DataClasses = None,
    group: Groups = None,
    safeguard: Safeguards = None,
    sha256: Annotated[
        list[str] | None,
        typer.Option(help="the digest that its hub shows for the file; of a set, one for each"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="until it is looked at again")] = 180,
) -> int:
    """Show what a file is, and write and sign its entry.

    On first use this sets up what is missing (localai setup). Where the policy wants somebody
    else to approve, a proposal for the officer is written instead.
    """
    from localai.cli.approvals.approving import approve
    from localai.cli.approvals.stating import Said, read_digests, state, tell_origin
    from localai.cli.stores.naming import find_model, find_origin
    from localai.cli.surroundings import look_around

    if origin := find_origin(file):
        tell_origin(origin)
    stated = state(
        source or (origin.source if origin else ""),
        licence or (origin.licence if origin else ""),
        Said(entry_id, purpose, data_class, group, safeguard),
        name=name,
    )
    told = read_digests(sha256 or ())
    return approve(find_model(file), stated, look_around(), yes=yes, days=days, told=told)
