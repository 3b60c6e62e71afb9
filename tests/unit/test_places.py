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


@pytest.mark.parametrize("flaw", ["a file", "a dangling link", "a link to itself"])
def test_a_broken_directory_refuses(tmp_path: Path, flaw: str) -> None:
    administrator = tmp_path / "etc"
    if flaw == "a file":
        administrator.touch()
    else:
        administrator.symlink_to("etc" if flaw == "a link to itself" else "gone")
    with pytest.raises(StateError, match="cannot be looked into"):
        find_places({}, tmp_path, administrator)
