"""The home directory: what is not a full path is none, or files would land where nobody looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from localai.cli.surroundings import look_around
from localai.errors import StateError


@pytest.mark.parametrize("said", ["", ".", "home/pat", "~", " /home/pat"])
@pytest.mark.parametrize("moved", [False, True])
def test_a_home_that_is_no_full_path_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, moved: bool
) -> None:
    if moved:
        monkeypatch.setenv("LOCALAI_HOME", str(tmp_path))
    else:
        monkeypatch.delenv("LOCALAI_HOME", raising=False)
    monkeypatch.setenv("HOME", said)
    with pytest.raises(StateError, match="HOME is") as refused:
        look_around()
    assert "set HOME" in refused.value.hint


def test_a_home_is_where_the_settings_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LOCALAI_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert look_around().places.config == tmp_path / ".config" / "localai"
