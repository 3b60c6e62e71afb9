"""``store verify``: whatever was done to the store behind its back is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from localai.errors import StateError
from localai.store.check import CHECK, check_held, check_store, measure
from localai.store.held import Held, find_held
from localai.store.state import State
from localai.store.steps import move


def wrong(held: Held) -> str:
    """What is wrong with an artifact, "" if nothing is."""
    finding = check_held(find_held(held.directory.parent.parent, held.id)).finding
    assert finding.check == CHECK
    assert finding.refuses == (finding.summary != "intact")
    assert not finding.refuses or finding.remedy
    return finding.evidence if finding.refuses else ""


def test_as_it_arrived(held: Held, store: Path) -> None:
    assert wrong(held) == ""
    assert "2026-01-02" in check_held(held).finding.evidence
    assert not any(one.finding.refuses for one in check_store(store))
    for state in (State.PROPOSED, State.APPROVED):
        assert wrong(move(store, find_held(store, "tiny"), state)) == ""


@pytest.mark.parametrize("at", [0, 5, 11])
def test_one_flipped_bit(held: Held, at: int) -> None:
    content = bytearray(held.paths[0].read_bytes())
    content[at] ^= 1
    held.paths[0].chmod(0o600)
    held.paths[0].write_bytes(content)
    held.paths[0].chmod(0o400)
    assert wrong(held).startswith("one.gguf was changed: sha256 ")


def link(path: Path) -> None:
    aside = path.parents[3] / "aside"
    path.rename(aside)
    path.symlink_to(aside)


def replace(path: Path) -> None:
    path.unlink()
    path.mkdir()


def write_long(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"longer than it was")
    path.chmod(0o400)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda d: (d / "one.gguf").unlink(), "cannot open"),
        (lambda d: link(d / "one.gguf"), "one.gguf is a link"),
        (lambda d: replace(d / "one.gguf"), "is a directory"),
        (lambda d: write_long(d / "one.gguf"), "one.gguf was changed"),
        (lambda d: (d / "one.gguf").chmod(0o600), "one.gguf can be written to: mode 0600"),
        (lambda d: (d / "origin.json").chmod(0o604), "origin.json can be written to"),
        (lambda d: (d / "more").touch(), "more: nobody brought it"),
        (lambda d: (d / ".hidden").mkdir(), ".hidden: nobody brought it"),
        (lambda d: (d / "more").symlink_to("/"), "more: nobody brought it"),
        (lambda d: d.chmod(0o770), "tiny can be written to by others: mode 0770"),
        (lambda d: link(d / "origin.json"), "origin.json is a link"),
        (lambda d: write_long(d / "origin.json"), "origin.json cannot be read"),
        (lambda d: (d / "origin.json").unlink(), "there is no origin.json"),
    ],
)
def test_what_was_done_behind_its_back(
    held: Held, spoil: Callable[[Path], object], problem: str
) -> None:
    spoil(held.directory)
    assert problem in wrong(held)


def test_files_of_another_owner(held: Held, store: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away: files of another owner were not tested")
    for path in (held.paths[0], held.directory):
        os.chown(path, 4711, 4711)
        assert f"{path.name} belongs to uid 4711" in wrong(held)
        os.chown(path, 0, 0)
    os.chown(store, 4711, 4711)
    assert "store belongs to uid 4711" in check_store(store)[0].finding.evidence


def test_each_problem_is_told(held: Held) -> None:
    (held.directory / "more").touch()
    link(held.paths[1])
    assert len(measure(held).problems) == 3  # the link is told, and that it was not measured
    assert measure(held).digests[1] is None
    assert measure(held).digests[0]


@pytest.mark.parametrize(
    ("spoil", "subject", "problem"),
    [
        (lambda s: (s / "notes").touch(), "store", "notes: nobody brought it"),
        (lambda s: (s / "approved").symlink_to(s.parent), "approved", "approved is a link"),
        (lambda s: (s / "quarantine/x").touch(), "quarantine", "x: nobody brought it"),
        (lambda s: (s / "quarantine/x").symlink_to("tiny"), "quarantine", "x: nobody brought it"),
        (lambda s: (s / "incoming").chmod(0o777), "incoming", "by others: mode 0777"),
        (lambda s: s.chmod(0o720), "store", "by others: mode 0720"),
        (lambda s: (s / "approved/tiny").mkdir(parents=True), "store", "stands in two states"),
    ],
)
def test_the_directories_too(
    held: Held, store: Path, spoil: Callable[[Path], object], subject: str, problem: str
) -> None:
    spoil(store)
    said = {Path(one.subject).name: one.finding for one in check_store(store)}
    assert problem in said[subject].evidence
    assert said[subject].refuses
    assert [name for name, finding in said.items() if finding.refuses] == [subject]


@pytest.mark.parametrize("name", ["-rf", "a\nlocalai store remove tiny", "Tiny", "a b"])
def test_what_no_command_could_name_is_removed_by_hand(store: Path, held: Held, name: str) -> None:
    (held.directory / "more").touch()
    held.directory.rename(held.directory.with_name(name))
    remedy = check_held(find_held(store, name)).finding.remedy
    assert name not in remedy and f"ls -lab {store}/quarantine;" in remedy


def test_a_store_that_may_not_be_looked_into_is_not_empty(held: Held, store: Path) -> None:
    if not os.geteuid():
        pytest.skip("root looks into everything: a store that may not be read was not tested")
    for directory in (store.parent, store, store / "quarantine"):
        directory.chmod(0)
        try:
            with pytest.raises(StateError):
                check_store(store)
        finally:
            directory.chmod(0o700)
    held.directory.chmod(0)
    try:
        assert "Permission denied" in wrong(held)
    finally:
        held.directory.chmod(0o700)


def test_what_is_arriving_is_no_stray(held: Held, store: Path) -> None:
    (store / "incoming" / "part").touch()
    assert not any(one.finding.refuses for one in check_store(store))
