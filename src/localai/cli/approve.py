"""``localai approve``: show what a file is, and write and sign its entry."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli.arguments import Model


def command(
    model: Model,
    source: Annotated[
        str, typer.Option(help="publisher/repository[@revision], or an address")
    ] = "",
    licence: Annotated[str, typer.Option(help="an SPDX identifier, as Apache-2.0")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="do not ask; needs source and licence")
    ] = False,
    name: Annotated[str, typer.Option(help="what to call it")] = "",
    entry_id: Annotated[str, typer.Option("--id", help="identifier of the entry")] = "",
    purpose: Annotated[
        list[str] | None, typer.Option(help="may be used for; again for more")
    ] = None,
    data_class: Annotated[
        list[str] | None, typer.Option(help="data it may see; again for more")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="groups that may use it; none: everybody")
    ] = None,
    safeguard: Annotated[
        list[str] | None, typer.Option(help="what keeps its use safe; again for more")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="until it is looked at again")] = 180,
) -> int:
    """Show what a file is, and write and sign its entry.

    On first use this sets up what is missing (localai setup). Where the policy wants somebody
    else to approve, a request for the officer is written instead.
    """
    from localai.cli.approving import Asked, approve
    from localai.cli.naming import find_model
    from localai.cli.surroundings import look_around

    asked = Asked(
        model=find_model(model),
        source=source,
        licence=licence,
        yes=yes,
        name=name,
        id=entry_id,
        purposes=tuple(purpose or ("evaluation",)),
        data_classes=tuple(data_class or ("public",)),
        groups=tuple(group or ()),
        safeguards=tuple(safeguard or ()),
        days=days,
    )
    return approve(asked, look_around())
