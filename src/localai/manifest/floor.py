"""What was seen last: the version of each manifest, below which nothing is accepted again.

Kept in ``floors.json`` in the state directory. Whoever can delete that file can also make an old
manifest pass again; what was signed and has not expired is the bound on that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.document import read_json
from localai.errors import DocumentError, StateError
from localai.locking import locked
from localai.shape import Fields, read_shape
from localai.smallfile import read_small

SCHEMA = "localai.floors/1"
LIMIT = 256 * 1024


class Floor(NamedTuple):
    """The newest version of one manifest that was seen, the SHA-256 of its bytes, and the digest
    of the set of keys that signed for it. Under other keys the floor does not count: otherwise a
    stolen key could sign the highest version there is and lock the officer out (TUF, 5.3.11)."""

    version: int
    sha256: str
    keys: str


def read_floors(state: Path) -> dict[str, Floor]:
    """The floor of each manifest, by name; empty if none was ever seen.

    Raises StateError if the file cannot be read or is damaged.
    """
    path = state / "floors.json"
    raw = read_small(path, limit=LIMIT)
    if raw is None:
        return {}
    try:
        return read_shape(read_json(raw, limit=LIMIT), "floors", _read_all)
    except DocumentError as error:
        raise StateError(
            f"{path} is damaged: {error.message}",
            hint="find out who changed it; once that is clear, move it away",
        ) from error


def remember(state: Path, seen: Mapping[str, Floor]) -> None:
    """Raise the floors to what was ``seen``. One that is higher already, under the same keys,
    stays. Nothing is written if nothing changes. Raises StateError."""
    known = read_floors(state)
    if all(known.get(name) == floor for name, floor in seen.items()):
        return
    with locked(state, "floors"):
        floors = read_floors(state)
        for name, floor in seen.items():
            last = floors.get(name)
            if not last or last.keys != floor.keys or last.version < floor.version:
                floors[name] = floor
        document = {
            "schema": SCHEMA,
            "manifests": {name: floors[name]._asdict() for name in sorted(floors)},
        }
        write_whole(state / "floors.json", json.dumps(document, indent=2).encode() + b"\n")


def _read_all(fields: Fields) -> dict[str, Floor]:
    if fields.text("schema") != SCHEMA:
        raise fields.refuse("schema", f"{SCHEMA} was expected")
    return fields.named("manifests", _read_floor)


def _read_floor(fields: Fields) -> Floor:
    return Floor(
        version=fields.integer("version", 1, 2**31 - 1),
        sha256=fields.digest("sha256"),
        keys=fields.digest("keys"),
    )
