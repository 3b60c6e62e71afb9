"""Killed between any two steps: an artifact is in the store whole or not at all, and what is left
behind can be cleared away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bring import bring
from killing import killed_at
from localai.store.arrival import clear
from localai.store.check import check_held, check_store
from localai.store.held import find_held, list_held
from localai.store.state import State
from localai.store.steps import keeping, move, remove

FILES = (("one.gguf", b"weights, say"), ("two.gguf", b"more"), ("shared.gguf", b"shared"))
MOST = 200  # steps that one command may have


def step(store: Path, state: State) -> None:
    held = find_held(store, "tiny")
    with keeping(held):
        move(store, held, state)


def take_out(store: Path) -> None:
    remove(find_held(store, "tiny"))


ACTS: dict[str, Callable[[Path], object]] = {
    "admit": lambda store: bring(store, "tiny", *FILES),
    "promote": partial(step, state=State.APPROVED),
    "remove": take_out,
    "clear": clear,
}


@pytest.mark.parametrize("name", ACTS)
def test_killed_between_steps(name: str, tmp_path: Path) -> None:
    before = tmp_path / "before" / "store"
    other = bring(before, "other", ("shared.gguf", b"shared"))
    if name != "admit":
        bring(before, "tiny", *FILES)
    if name == "clear":
        (before / "incoming" / "broken" / "below").mkdir(parents=True)
        (before / "incoming" / "broken" / "below" / "part").write_bytes(b"part")
    number, seen = 0, set[str]()
    while True:
        store = tmp_path / str(number) / "store"
        shutil.copytree(before.parent, store.parent)
        shutil.copystat(before, store)
        killed = killed_at(number, lambda store=store: ACTS[name](store))  # type: ignore[misc]
        seen.add(look(store, name))
        shutil.rmtree(store.parent)
        if not killed:
            break
        number += 1
        assert number < MOST
    assert number > 4, "it was never killed"
    assert other.paths[0].read_bytes() == b"shared"
    assert (
        seen
        == {
            "admit": {"other", "other tiny"},
            "promote": {"other tiny"},
            "remove": {"other", "other tiny"},
            "clear": {"other tiny"},
        }[name]
    )


def look(store: Path, name: str) -> str:
    """What is in the store now; all of it is whole, and what was left behind can be cleared."""
    found = list_held(store)
    assert all(check_held(held).finding.summary == "intact" for held in found)
    assert all(not one.finding.refuses for one in check_store(store))
    clear(store)
    assert not list((store / "incoming").iterdir())
    assert list_held(store) == found
    ids = " ".join(sorted(held.id for held in found))
    if name in ("admit", "remove") and ids == "other":
        bring(store, "tiny", *FILES)  # it can be done again
        assert check_held(find_held(store, "tiny")).finding.summary == "intact"
    if name == "promote":
        step(store, State.APPROVED)
    return ids
