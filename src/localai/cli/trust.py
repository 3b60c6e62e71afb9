"""``localai trust``: make and show the root of trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.errors import Exit

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Make and show the root of trust: whose keys may sign manifests, and how many must.",
)


@app.command()
def init(
    file: Annotated[
        Path | None, typer.Argument(help="a root.json to pin, with root.dsse.json beside it")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="refuse FILE unless it has this fingerprint")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="without FILE: your own key, by name or path")
    ] = None,
    signer: Annotated[
        list[Path] | None, typer.Option(help="without FILE: somebody else's public key; repeatable")
    ] = None,
    threshold: Annotated[
        int, typer.Option(help="without FILE: how many keys must sign a manifest")
    ] = 1,
) -> int:
    """Pin a root of trust that somebody gave you, or make one of your own and pin that.

    Compare the fingerprint that is printed with the one that your security officer tells you.
    """
    from localai.cli.pinning import found, pin_given
    from localai.cli.surroundings import look_around

    around = look_around()
    if file is None:
        made = found(around, key, signer or [], threshold)
    else:
        made = pin_given(around, file, fingerprint)
    console.say(f"pinned: {around.places.root}")
    console.out(made)
    return Exit.DONE


@app.command()
def show() -> int:
    """Show the root of trust that counts on this host. Exit code 3 if it cannot be relied on."""
    from localai.cli.surroundings import look_around
    from localai.cli.trustscreen import show_trust
    from localai.manifest.load import load_trust

    around = look_around()
    trust = load_trust(around.places, around.today)
    console.out(show_trust(around.places.root, trust))
    return Exit.DONE if trust.root else Exit.REFUSED
