"""The lane, for ``localai trust`` and ``localai approve``: who may approve what without asking."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from localai.cli import console
from localai.errors import Exit, UsageError

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.manifest.lane import Frame


class LaneKey(NamedTuple):
    """A key of this account that may approve alone, its name in the root of trust, and what it may
    approve; ``manifest`` is where its approvals lie."""

    file: Path
    name: str
    frame: Frame
    manifest: Path


def lane(
    purpose: Annotated[list[str], typer.Option(help="what it may be approved for; repeatable")],
    data_class: Annotated[list[str], typer.Option(help="data that it may see; repeatable")],
    source: Annotated[
        list[str],
        typer.Option(help="a publisher or publisher/repository, hub in front; repeatable"),
    ],
    licence: Annotated[list[str], typer.Option(help="a licence, by its SPDX name; repeatable")],
    until: Annotated[str, typer.Option(help="the last day of the lane, as 2027-02-01")],
    keys: Annotated[
        list[Path] | None, typer.Argument(help="public keys of those who may approve")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=1, max=16, help="how many of them must sign")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="how long the next root holds")] = 3650,
) -> int:
    """Draft the next root of trust with a lane: staff who may approve alone within a frame.

    What is wider needs the role manifest. The frame is stated anew each time, keys that are there
    stay: localai trust remove-key KEY --role lane. It counts once enough root keys signed it.
    """
    from localai.cli.roots.rootscreen import show_draft
    from localai.cli.roots.rotating import draft_next, read_key
    from localai.cli.surroundings import look_around
    from localai.manifest.lane import Frame
    from localai.manifest.rotation import Change
    from localai.manifest.trust import RoleName

    frame = Frame(
        tuple(purpose), tuple(data_class), tuple(source), tuple(licence), _read_day(until)
    )
    added = tuple((RoleName.LANE, read_key(path, None)) for path in keys or ())
    thresholds = () if threshold is None else ((RoleName.LANE, threshold),)
    change = Change(added, thresholds=thresholds, frame=frame)
    console.out(show_draft(draft_next(look_around(), change, days)))
    console.say("next: localai trust sign, by each who is missing")
    return Exit.DONE


def find_lane_key(around: Surroundings) -> LaneKey | None:
    """The first key of this account that may approve alone within a lane that is open; None if
    there is none."""
    from localai.cli.choosing import private_keys
    from localai.manifest.folders import imported_directory
    from localai.manifest.keyfile import load_public, public_beside
    from localai.manifest.load import find_roles, load_trust
    from localai.smallfile import is_there

    trust = load_trust(around.places, around.today)
    open_lane = trust.root.lane if trust.root else None
    if open_lane is None or open_lane.role.threshold > 1 or around.today > open_lane.frame.until:
        return None
    names = {key.public: key.name for key in find_roles(around.places, trust)[1].keys}
    for file in private_keys(around.places):
        beside = public_beside(file)
        public = load_public(beside) if is_there(beside) else None
        if public in names:
            # its own name, so that no two keys write one manifest
            manifest = f"lane-{public.fingerprint[:12]}.yaml"
            path = imported_directory(around.places) / manifest
            return LaneKey(file, names[public], open_lane.frame, path)
    return None


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"no such day: {text}", hint="--until 2027-02-01") from error
