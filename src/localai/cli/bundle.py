"""``localai bundle``: carry artifacts, and what approves them, to a host without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.cli.arguments import StoreFolder

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="One file with artifacts of the store, the manifests that list them, all signatures and "
    "the roots of trust. Nothing in it counts that the keys which a host trusts did not sign.",
)

File = Annotated[Path, typer.Argument(help="a bundle; - for stdin")]


@app.command()
def create(
    artifacts: Annotated[
        list[str], typer.Argument(metavar="ID...", help="what goes in: names in the store")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the bundle to write")],
) -> int:
    """Write a bundle with artifacts of the store, and with what they need to count elsewhere.

    Exit code 3: a file is not what arrived, and nothing was written.
    """
    from localai.cli.stores.bundling import create
    from localai.cli.surroundings import look_around

    return create(look_around(), artifacts, out)


@app.command()
def inspect(
    file: File,
    json: Annotated[bool, typer.Option("--json", help="print localai.bundle-inspection/1")] = False,
) -> int:
    """Read a whole bundle and say what an import would do here; nothing is written.

    Exit code 3: it would be refused.
    """
    from localai.cli.stores import bundlescreen
    from localai.cli.stores.bundling import inspect
    from localai.cli.surroundings import look_around

    inspected = inspect(look_around(), file)
    if json:
        console.print_json(bundlescreen.inspection_document(file, inspected))
    else:
        console.out(bundlescreen.inspection(inspected, console.width()))
    return inspected.exit_code


@app.command("import")
def import_(file: File, store: StoreFolder = None) -> int:
    """Take a bundle in: manifests where they count, artifacts into the store, approved.

    An import that broke off goes on where it was. Exit code 3: it is not as it was made, or does
    not count here, and nothing of it was taken in.
    """
    from localai.cli.stores.bundling import import_
    from localai.cli.stores.opening import receive_in
    from localai.cli.surroundings import look_around

    return import_(receive_in(look_around(), store), file)
