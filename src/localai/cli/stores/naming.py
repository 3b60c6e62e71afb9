"""An artifact in the store is named by its identifier, where a command takes a file."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localai.manifest.schema import Kind
    from localai.store.held import Held
    from localai.store.origin import Origin


def find_model(given: Path) -> Path:
    """``given``; if there is no such file, the first one of the artifact of that identifier."""
    return find_files(given)[0]


def find_files(given: Path) -> tuple[Path, ...]:
    """``given``; if there is no such file, all those of the artifact of that identifier."""
    held = _find_held(given)
    return (held.paths if held else ()) or (given,)


def find_origin(given: Path) -> Origin | None:
    """What is written down about where the artifact of that identifier came from."""
    held = _find_held(given)
    return held.origin if held else None


def _find_held(given: Path) -> Held | None:
    if len(given.parts) != 1 or (os.path.lexists(given) and not given.is_dir()):
        return None
    from localai.cli.surroundings import look_around
    from localai.store.held import list_named

    stores = look_around().places.stores
    return next((one for store in stores for one in list_named(store, str(given))), None)


def name_of(held: Held) -> str:
    """What a command takes for it: its identifier where that finds it, else its first file."""
    found = find_model(Path(held.id))
    return next((str(path) for path in held.paths[:1] if path != found), held.id)


def step_command(held: Held, step: str) -> str:
    """What to type for it to take a step in the store that it lies in."""
    named = name_of(held) == held.id
    where = "" if named else f"--store {quote(str(held.store))} "
    return f"localai store {where}{step} {quote(held.id)}"


def next_command(file: Path, kind: Kind, *stores: Path) -> str:
    """What to type once ``file`` is approved."""
    from localai.store.state import locate

    place = locate(Path(os.path.realpath(file)), *stores)
    waits = place.waits and place.artifact
    return f"localai store promote {quote(waits)}" if waits else use_command(str(file), kind)


def use_command(named: str, kind: Kind | None) -> str:
    """What to type to use what is approved as ``kind``: a model alone is run by itself."""
    return f"localai {'run' if kind == 'model' else 'verify'} {quote(named)}"
