"""``localai store``: what was brought here, how far it has come, and its next step."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli import console
from localai.errors import Exit
from localai.terminal import printable

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="What was brought here lies in quarantine, then among what is proposed, then among what "
    "is approved. It runs only from there, and only if a signed manifest lists it then.",
)

Artifact = Annotated[str, typer.Argument(help="its identifier, as localai store list has it")]


@app.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="print localai.store/1")] = False,
) -> int:
    """List what is in the store, and how far it has come."""
    from localai.cli import storescreen
    from localai.cli.surroundings import look_around
    from localai.store.held import list_held

    found = list_held(look_around().places.store)
    if json:
        console.print_json(storescreen.store_document(found))
    else:
        console.out(storescreen.listing(found, console.width()))
    return Exit.DONE


@app.command()
def show(
    artifact: Artifact,
    json: Annotated[bool, typer.Option("--json", help="print localai.stored-artifact/1")] = False,
) -> int:
    """Show where an artifact came from, and its files. Nothing of it is measured."""
    from localai.cli import storescreen
    from localai.cli.surroundings import look_around
    from localai.store.held import find_held

    held = find_held(look_around().places.store, artifact)
    if json:
        console.print_json(storescreen.artifact_document(held))
    else:
        console.out(storescreen.artifact(held))
    return Exit.DONE


@app.command("promote")
def promote_(artifact: Artifact) -> int:
    """Let an artifact take its next step: among what is approved, if a signed manifest lists it.

    Every byte is measured anew. What no manifest lists goes from quarantine to what is proposed,
    and waits there for somebody to approve it. Exit code 3: it stays where it is.
    """
    from localai.cli.promoting import promote
    from localai.cli.surroundings import look_around

    return promote(look_around(), artifact)


@app.command("demote")
def demote_(artifact: Artifact) -> int:
    """Take an artifact one step back. What is not among the approved does not run."""
    from localai.cli.promoting import demote
    from localai.cli.surroundings import look_around

    return demote(look_around(), artifact)


@app.command()
def remove(artifact: Artifact) -> int:
    """Delete an artifact from the store. A model that runs goes on."""
    from localai.cli.surroundings import look_around
    from localai.hardware import show_bytes
    from localai.store import steps
    from localai.store.held import find_held

    store = look_around().places.store
    freed = steps.remove(store, find_held(store, artifact))
    console.out(printable(f"removed: {artifact}, {show_bytes(freed)} freed"))
    return Exit.DONE


@app.command()
def verify(
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
    from localai.cli import storescreen
    from localai.cli.promoting import measuring
    from localai.cli.surroundings import look_around
    from localai.store.check import check_held, check_store
    from localai.store.held import find_held, list_held

    store = look_around().places.store
    named = [find_held(store, one) for one in artifacts or ()]
    checked = [] if named else [*check_store(store)]
    for held in named or list_held(store):
        with measuring(held) as progress:
            checked.append(check_held(held, progress))
    if json:
        console.print_json(storescreen.verification_document(checked))
    else:
        console.out(storescreen.verification(checked, console.width()) or "the store is empty")
    return Exit.REFUSED if any(one.finding.refuses for one in checked) else Exit.DONE


@app.command()
def gc() -> int:
    """Clear away what broken arrivals and removals left behind, and nothing that is under way."""
    from localai.cli.surroundings import look_around
    from localai.hardware import show_bytes
    from localai.store.arrival import clear

    cleared = clear(look_around().places.store)
    console.out(f"cleared: {show_bytes(cleared.freed)} freed")
    if cleared.busy:
        console.say(printable(f"left alone, under way: {', '.join(cleared.busy)}"))
    return Exit.DONE
