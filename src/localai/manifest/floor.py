"""What was seen last: the version of each manifest, below which nothing is accepted again.

Kept in ``floors.json`` in the state directory. Whoever can delete that file can also make an old
manifest pass again; what was signed and has not expired is the bound on that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.document import read_json
from localai.errors import DocumentError, StateError
from localai.locking import locked
from localai.shape import Fields, read_shape
from localai.smallfile import read_small

SCHEMA = "localai.floors/1"
LIMIT = 256 * 1024

NO_FLOORS: Mapping[str, Floor] = MappingProxyType({})


class Floor(NamedTuple):
    """The newest version of one manifest that was seen, the SHA-256 of its bytes, and the digest
    of the set of keys that signed for it. Under other keys the floor does not count: otherwise a
    stolen key could sign the highest version there is and lock the officer out (TUF, 5.3.11)."""

    version: int
    sha256: str
    keys: str


class Floors(NamedTuple):
    """All that was seen: of manifests, by name, of the list of what is revoked, and of the lane's
    manifests, by name. Those are kept apart: otherwise staff could take an officer's floor away
    with a manifest of the same name."""

    manifests: dict[str, Floor]
    revocation: Floor | None = None
    lanes: Mapping[str, Floor] = MappingProxyType({})


def read_floors(state: Path) -> Floors:
    """All floors; none if nothing was ever seen.

    Raises StateError if the file cannot be read or is damaged.
    """
    path = state / "floors.json"
    raw = read_small(path, limit=LIMIT)
    if raw is None:
        return Floors({})
    try:
        return _read(raw)
    except DocumentError as error:
        raise StateError(
            f"{path} is damaged: {error.message}",
            hint="find out who changed it; once that is clear, move it away",
        ) from error


def remember(
    state: Path,
    manifests: Mapping[str, Floor],
    revocation: Floor | None = None,
    lanes: Mapping[str, Floor] = NO_FLOORS,
) -> None:
    """Raise the floors to what was seen. One that is higher already, under the same keys, stays.
    Nothing is written if nothing changes. Raises StateError, also for more manifests than can be
    remembered."""
    seen = Floors(dict(manifests), revocation, lanes)
    if _raised(read_floors(state), seen) is None:
        return
    with locked(state, "floors"):
        floors = _raised(read_floors(state), seen)
        if floors is None:
            return
        document: dict[str, object] = {"schema": SCHEMA, "manifests": _document(floors.manifests)}
        if floors.revocation:
            document["revocation"] = floors.revocation._asdict()
        if floors.lanes:
            document["lanes"] = _document(floors.lanes)
        raw = json.dumps(document, indent=2).encode() + b"\n"
        try:
            _read(raw)  # what could not be read again would refuse every start from now on
        except DocumentError as error:
            raise StateError(
                f"{state / 'floors.json'} can remember no more manifests: {error.message}",
                hint="give manifests one name each, and versions that rise",
            ) from error
        write_whole(state / "floors.json", raw)


def _read(raw: bytes) -> Floors:
    return read_shape(read_json(raw, limit=LIMIT), "floors", _read_all)


def _document(floors: Mapping[str, Floor]) -> dict[str, object]:
    return {name: floors[name]._asdict() for name in sorted(floors)}


def _raised(known: Floors, seen: Floors) -> Floors | None:
    """``known`` with what is higher in what was seen; None if nothing is."""

    def is_higher(floor: Floor, last: Floor | None) -> bool:
        return not last or last.keys != floor.keys or last.version < floor.version

    def rise(known: Mapping[str, Floor], seen: Mapping[str, Floor]) -> dict[str, Floor]:
        return {name: one for name, one in seen.items() if is_higher(one, known.get(name))}

    manifests = rise(known.manifests, seen.manifests)
    lanes = rise(known.lanes, seen.lanes)
    last = seen.revocation
    newer = last if last and is_higher(last, known.revocation) else None
    if not manifests and not lanes and newer is None:
        return None
    return Floors(
        {**known.manifests, **manifests}, newer or known.revocation, {**known.lanes, **lanes}
    )


def _read_all(fields: Fields) -> Floors:
    if fields.text("schema") != SCHEMA:
        raise fields.refuse("schema", f"{SCHEMA} was expected")
    return Floors(
        fields.named("manifests", _read_floor),
        fields.one("revocation", _read_floor) if fields.has("revocation") else None,
        fields.named("lanes", _read_floor) if fields.has("lanes") else {},
    )


def _read_floor(fields: Fields) -> Floor:
    return Floor(
        version=fields.integer("version", 1, 2**31 - 1),
        sha256=fields.digest("sha256"),
        keys=fields.digest("keys"),
    )
