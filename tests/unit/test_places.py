"""Where things lie, and whose word counts: what is there but broken is not absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from localai.errors import StateError
from localai.places import RULES, find_places


def test_nobody_administers_a_host_without_rules(tmp_path: Path) -> None:
    administrator = tmp_path / "etc"
    environ = {"LOCALAI_HOME": str(tmp_path / "moved")}
    assert not find_places(environ, tmp_path, administrator).administered
    administrator.mkdir()
    (administrator / "environment").write_text("sandbox")
    places = find_places(environ, tmp_path, administrator)
    assert not places.administered
    assert places.config == tmp_path / "moved" / "config"


@pytest.mark.parametrize("dangling", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_any_rules_make_a_host_administered(tmp_path: Path, name: str, dangling: bool) -> None:
    administrator = tmp_path / "etc"
    administrator.mkdir()
    rules = administrator / name
    if dangling:
        rules.symlink_to("gone")
    else:
        rules.touch()
    places = find_places({"LOCALAI_HOME": str(tmp_path / "moved")}, tmp_path, administrator)
    assert places.administered and places.moved_ignored
    assert places.root == administrator / "root.json"
    assert places.config == tmp_path / ".config" / "localai"


def test_whose_store_it_is(tmp_path: Path) -> None:
    """The one of the host is its owner's own; others look there after their own."""
    shared, nowhere = tmp_path / "shared", tmp_path / "etc"
    own = tmp_path / ".local" / "state" / "localai" / "store"
    assert find_places({}, tmp_path, nowhere, shared).stores == (own,)
    shared.mkdir()
    places = find_places({}, tmp_path, nowhere, shared)
    assert (places.store, places.stores) == (shared, (shared, own))
    others = places._replace(keeps_shared=False)
    assert (others.store, others.stores) == (own, (own, shared))
    moved = find_places({"LOCALAI_HOME": str(tmp_path / "moved")}, tmp_path, nowhere, shared)
    assert moved.stores == (tmp_path / "moved" / "state" / "store",)
    (tmp_path / "link").symlink_to(shared)
    assert find_places({}, tmp_path, nowhere, tmp_path / "link").stores == (own,)


@pytest.mark.parametrize("flaw", ["a file", "a dangling link", "a link to itself"])
def test_a_broken_directory_refuses(tmp_path: Path, flaw: str) -> None:
    administrator = tmp_path / "etc"
    if flaw == "a file":
        administrator.touch()
    else:
        administrator.symlink_to("etc" if flaw == "a link to itself" else "gone")
    with pytest.raises(StateError, match="cannot be looked into"):
        find_places({}, tmp_path, administrator)
