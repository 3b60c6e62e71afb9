"""``localai trust show``, ``update``, ``verify``: the root of trust here, and what may follow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.errors import Exit

Roots = Annotated[
    list[Path] | None, typer.Argument(help="root.json files, or folders of them; this host's own")
]
WalkJson = Annotated[bool, typer.Option("--json", help="print localai.trust-walk/1")]


def show(
    file: Annotated[
        Path | None, typer.Argument(help="a copy of the next root, to look at instead")
    ] = None,
    coming: Annotated[
        bool, typer.Option("--next", help="this host's draft of the next root instead")
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="print localai.trust/1; of the next root localai.trust-next/1"),
    ] = False,
) -> int:
    """Show the root of trust that counts on this host. Exit code 3 if it cannot be relied on.

    With FILE or --next: what is to be signed as the next root, and what it changes.
    """
    from localai.cli.roots import rootdocuments, rootscreen
    from localai.cli.roots.revoking import load_here
    from localai.cli.roots.rotating import read_next
    from localai.cli.roots.trustscreen import show_trust
    from localai.cli.surroundings import look_around
    from localai.manifest.load import load_trust, revocation_file

    around = look_around()
    if file is not None or coming:
        draft = read_next(around, file)
        if json:
            console.print_json(rootdocuments.draft_document(draft))
        else:
            console.out(rootscreen.show_draft(draft))
        return Exit.DONE
    trust = load_trust(around.places, around.today)
    revoked, listed = load_here(around), revocation_file(around.places)
    if json:
        document = rootdocuments.trust_document(around.places.root, trust, listed, revoked)
        console.print_json(document)
    else:
        console.out(show_trust(around.places.root, trust))
        if revoked.version or revoked.problem:
            console.out(rootscreen.show_revocations(listed, revoked))
    return Exit.DONE if trust.root and not revoked.problem else Exit.REFUSED


def update(files: Roots = None, json: WalkJson = False) -> int:
    """Follow newer roots of trust, one version at a time, from the one that is pinned here.

    Exit code 3 if one of them may not be followed; those before it are in force.
    """
    return _follow(files, keep=True, json=json)


def verify(files: Roots = None, json: WalkJson = False) -> int:
    """Say what update would do, and change nothing."""
    return _follow(files, keep=False, json=json)


def _follow(files: list[Path] | None, *, keep: bool, json: bool) -> int:
    from localai.cli.roots.rootdocuments import walk_document
    from localai.cli.roots.rootscreen import show_walk
    from localai.cli.roots.rotating import follow
    from localai.cli.surroundings import look_around

    walked = follow(look_around(), files or [], keep=keep)
    if json:
        console.print_json(walk_document(walked, keep))
    else:
        console.out(show_walk(walked, keep))
    return Exit.REFUSED if walked.problem else Exit.DONE
