"""``localai fetch``: bring a model or a dataset from a hub into quarantine."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli.arguments import StoreFolder


def command(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="hf:ORG/REPO[/FILE][@REVISION]",
            help="what to bring; of data hf:datasets/ORG/REPO...",
        ),
    ],
    hub: Annotated[
        str, typer.Option(help="the hub's address; HF_ENDPOINT, or the policy's, if left out")
    ] = "",
    host: Annotated[
        list[str] | None,
        typer.Option(help="a further address that the hub sends its files from; repeatable"),
    ] = None,
    artifact: Annotated[str, typer.Option("--id", help="what to call it in the store")] = "",
    store: StoreFolder = None,
) -> int:
    """Bring a model or a dataset from a hub into quarantine.

    At one exact revision, every byte measured. Only from a hub that the policy names. On a machine
    of one's own the first call asks, or is told with --hub, and writes the hub into your own
    policy. HF_TOKEN goes to the hub alone. After a break the same command goes on where it stopped.
    Exit code 3: refused, nothing was kept.
    """
    from localai.cli.stores.fetching import fetch
    from localai.cli.stores.opening import receive_in
    from localai.cli.surroundings import look_around
    from localai.reference import parse_reference

    around = receive_in(look_around(), store)
    return fetch(around, parse_reference(reference), hub, tuple(host or ()), artifact)
