"""``localai store``: what was brought here, how far it has come, and its next step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.cli.arguments import StoreFolder
from localai.errors import Exit
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="What was brought here lies in quarantine, then among what is proposed, then among what "
    "is approved. It runs only from there, and only if a signed manifest lists it then.",
)

Artifact = Annotated[str, typer.Argument(help="its identifier, as localai store list has it")]


@app.callback()
def choose(context: typer.Context, store: StoreFolder = None) -> None:
    context.obj = store


def _look_around(context: typer.Context) -> Surroundings:
    from localai.cli.stores.opening import choose_store
    from localai.cli.surroundings import look_around

    return choose_store(look_around(), context.obj)


def _find_stores(context: typer.Context) -> tuple[Path, ...]:
    from localai.cli.surroundings import look_around

    return (context.obj.absolute(),) if context.obj else look_around().places.stores


@app.command()
def setup(
    directory: Annotated[
        Path | None, typer.Argument(help="where; /var/lib/localai/store if left out")
    ] = None,
) -> int:
    """Make a store for every account of this host, which only its owner can change.

    What is approved there needs no copy into memory at a start. As root, or as an account of the
    system. Exit code 3: others could change what lies in that folder.
    """
    from localai.cli.stores.opening import set_up
    from localai.cli.surroundings import look_around

    return set_up(look_around(), directory)


@app.command("list")
def list_(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="print localai.store/1")] = False,
) -> int:
    """List what is in the store, and how far it has come."""
    from localai.cli.stores import storescreen
    from localai.store.held import list_held

    stores = _find_stores(context)
    found = [held for store in stores for held in list_held(store)]
    if json:
        console.print_json(storescreen.store_document(found))
    else:
        console.out(storescreen.listing(found, stores[0], console.width()))
    return Exit.DONE


@app.command()
def show(
    context: typer.Context,
    artifact: Artifact,
    json: Annotated[bool, typer.Option("--json", help="print localai.stored-artifact/1")] = False,
) -> int:
    """Show where an artifact came from, and its files. Nothing of it is measured."""
    from localai.cli.stores import storescreen
    from localai.store.held import find_among

    held = find_among(_find_stores(context), artifact)
    if json:
        console.print_json(storescreen.artifact_document(held))
    else:
        console.out(storescreen.artifact(held, console.width()))
    return Exit.DONE


@app.command("promote")
def promote_(context: typer.Context, artifact: Artifact) -> int:
    """Let an artifact take its next step: among what is approved, if a signed manifest lists it.

    Every byte is measured anew. What no manifest lists goes from quarantine to what is proposed,
    and waits there for somebody to approve it. Exit code 3: it stays where it is.
    """
    from localai.cli.stores.promoting import promote

    return promote(_look_around(context), artifact)


@app.command("demote")
def demote_(context: typer.Context, artifact: Artifact) -> int:
    """Take an artifact one step back. What is not among the approved does not run."""
    from localai.cli.stores.promoting import demote

    return demote(_look_around(context), artifact)


@app.command()
def remove(context: typer.Context, artifact: Artifact) -> int:
    """Delete an artifact from the store. A model that runs goes on."""
    from localai.cli.stores.promoting import find_own
    from localai.hardware import show_bytes
    from localai.store import steps

    held = find_own(_look_around(context), artifact)
    freed = steps.remove(held)
    console.out(printable(f"removed: {artifact}, {show_bytes(freed)} freed"))
    return Exit.DONE


@app.command()
def verify(
    context: typer.Context,
    artifacts: Annotated[
        list[str] | None, typer.Argument(help="identifiers; the whole store if left out")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="print localai.store-verification/1")
    ] = False,
) -> int:
    """Measure what is in the store: is it what arrived, and did nobody else put anything there?

    Whether it is approved is what localai verify says. Exit code 3: something is wrong.
    """
    from localai.cli.stores import storescreen
    from localai.cli.stores.promoting import measuring
    from localai.store.check import check_held, check_store
    from localai.store.held import find_among, list_held

    stores = _find_stores(context)
    named = [find_among(stores, one) for one in artifacts or ()]
    checked = [] if named else [one for store in stores for one in check_store(store)]
    for held in named or [held for store in stores for held in list_held(store)]:
        with measuring(held) as progress:
            checked.append(check_held(held, progress))
    if json:
        console.print_json(storescreen.verification_document(checked))
    else:
        console.out(storescreen.verification(checked, console.width()) or "the store is empty")
    return Exit.REFUSED if any(one.finding.refuses for one in checked) else Exit.DONE


@app.command()
def gc(context: typer.Context) -> int:
    """Clear away what broken arrivals and removals left behind, and nothing that is under way."""
    from localai.hardware import show_bytes
    from localai.store.arrival import clear

    cleared = clear(_look_around(context).places.store)
    console.out(f"cleared: {show_bytes(cleared.freed)} freed")
    if cleared.busy:
        console.say(printable(f"left alone, under way: {', '.join(cleared.busy)}"))
    return Exit.DONE
