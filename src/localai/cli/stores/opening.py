"""Which store is meant, and ``localai store setup``: one for every account of a host."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from localai.cli import console
from localai.cli.surroundings import Surroundings
from localai.custody import SYSTEM_UIDS, find_weakness
from localai.errors import Exit, UsageError
from localai.findings import Finding, Verdict
from localai.places import SHARED
from localai.store.access import refuse_others
from localai.store.setup import make_shared
from localai.terminal import show_path

_WHY = "what lies there is loaded without a copy only where nobody but its owner can change it"


def set_up(around: Surroundings, given: Path | None) -> Exit:
    """Make it, unless somebody else could change what will lie there."""
    owner = os.geteuid()
    if owner not in SYSTEM_UIDS:
        raise UsageError(
            "this account is a person's: a store for everybody is root's, or a service's",
            hint="sudo localai store setup",
        )
    if given is None and around.environ.get("LOCALAI_HOME") and not around.places.moved_ignored:
        raise UsageError(
            "LOCALAI_HOME is set: nothing is made outside of it by itself",
            hint="localai store setup DIR",
        )
    store = Path(os.path.realpath(given or SHARED))
    if weakness := _find_weakness(store, owner):
        remedy = "choose a folder of a local disk that is root's, with all folders above it"
        finding = Finding("store", Verdict.FAIL, "not proved safe", weakness, _WHY, remedy)
        console.print_findings([finding])
        console.say("nothing was made")
        return Exit.REFUSED
    make_shared(store)
    console.out(
        f"made: {show_path(store)}; uid {owner} changes it, all read what is approved there"
    )
    if store != SHARED:
        console.say(f"work on it with localai store --store {show_path(store)}; run by path")
    return Exit.DONE


def choose_store(around: Surroundings, store: Path | None) -> Surroundings:
    """With the store that was named in the place of this account's. Raises UsageError for one that
    others can change."""
    if store is None:
        return around
    store = store.absolute()
    refuse_others(store)
    places = around.places._replace(shared=store, keeps_shared=True)
    return around._replace(places=places)


def receive_in(around: Surroundings, store: Path | None) -> Surroundings:
    """The same for what is brought: nothing arrives in a folder that somebody only mistyped."""
    if store and not store.is_dir():
        named = quote(str(store))
        raise UsageError(
            f"there is no store {store}",
            hint=f"localai store setup {named}; for this account alone: mkdir -m 700 {named}",
        )
    return choose_store(around, store)


def _find_weakness(store: Path, owner: int) -> str:
    """What would be wrong with it: asked of the folders that are there, and of the file system."""
    there = next(one for one in (store, *store.parents) if one.is_dir())
    try:
        return find_weakness(there / "any", owner)
    except (OSError, ValueError) as error:
        return f"it cannot be told: {error}"
