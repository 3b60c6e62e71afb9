"""``localai setup``: label this host, make a key, a root of trust and a manifest."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli import console
from localai.cli.arguments import UnencryptedKey
from localai.errors import Exit


def command(
    label: Annotated[str | None, typer.Option(help="what kind of host this is")] = None,
    unencrypted_key: UnencryptedKey = False,
) -> int:
    """Label this host, make a key, pin a root of trust and begin a manifest, all your own.

    What is there already stays. Where there is an administrator, only the label can be yours.
    """
    from localai.cli.setups.founding import Wishes, set_up
    from localai.cli.surroundings import look_around

    set_up(look_around(), Wishes(label, unencrypted_key))
    console.out("ready: localai approve model.gguf")
    return Exit.DONE
