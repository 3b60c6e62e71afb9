"""What is found of a host: systemd, lingering, WSL, and where units belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from schedulers import stand_in

from localai.errors import StateError
from localai.places import find_places
from localai.schedule import ground as module
from localai.schedule.ground import Ground, ask, find_ground, variables


def find(base: Path, *, user: bool = True, **environ: str) -> Ground:
    places = find_places(environ, base / "home", base / "etc")
    (base / "osrelease").touch()
    return find_ground(
        environ,
        places,
        "pat",
        user=user,
        booted=base / "booted",
        system_units=base / "system",
        lingering=base / "linger",
        kernel_release=base / "osrelease",
    )


def test_systemd_runs_where_its_directory_is(tmp_path: Path) -> None:
    assert not find(tmp_path).booted
    (tmp_path / "booted").mkdir()
    assert find(tmp_path).booted


def test_lingering(tmp_path: Path) -> None:
    assert not find(tmp_path).lingers
    (tmp_path / "linger").mkdir()
    (tmp_path / "linger" / "pat").touch()
    assert find(tmp_path).lingers


@pytest.mark.parametrize(
    ("release", "name", "expected"),
    [
        ("6.6.87.2-microsoft-standard-WSL2\n", "Ubuntu-24.04", "Ubuntu-24.04"),
        ("4.4.0-19041-Microsoft\n", "", "DISTRIBUTION"),
        ("6.6.0-microsoft-standard-WSL2\n", 'x" & calc', "DISTRIBUTION"),
        ("6.18.0-generic\n", "Ubuntu", ""),
    ],
)
def test_wsl(tmp_path: Path, release: str, name: str, expected: str) -> None:
    (tmp_path / "osrelease").write_text(release)
    assert find(tmp_path, WSL_DISTRO_NAME=name).distribution == expected


def test_where_units_belong(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert find(tmp_path).units == home / ".config" / "systemd" / "user"
    assert find(tmp_path, XDG_CONFIG_HOME="/c").units == Path("/c/systemd/user")
    assert find(tmp_path, user=False).units == tmp_path / "system"
    assert (
        Path("/run/systemd/system"),
        Path("/etc/systemd/system"),
    ) == (module.BOOTED, module.SYSTEM_UNITS)


@pytest.mark.parametrize("user", [False, True])
def test_a_moved_home_takes_its_units_along(tmp_path: Path, user: bool) -> None:
    found = find(tmp_path, user=user, LOCALAI_HOME=str(tmp_path / "moved"))
    assert found.moved and found.units.is_relative_to(tmp_path / "moved")
    assert variables(found)["LOCALAI_HOME"] == str(tmp_path / "moved")


def test_a_moved_home_counts_nothing_where_there_is_an_administrator(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "policy.yaml").touch()
    found = find(tmp_path, user=False, LOCALAI_HOME=str(tmp_path / "moved"))
    assert not found.moved and found.units == tmp_path / "system"
    assert "LOCALAI_HOME" not in variables(found)


def test_a_run_finds_the_same_places(tmp_path: Path) -> None:
    given = {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "SECRET": "no"}
    carried = variables(find(tmp_path, **given))
    assert find_places(carried, Path("/h")) == find_places(given, Path("/h"))
    assert "SECRET" not in carried


def test_a_program_is_asked_in_english_and_answers_in_bytes(tmp_path: Path) -> None:
    script = "cat; printf 'caf\\351\\013'; echo \"$LC_ALL\" >&2; exit 3"
    program = stand_in(tmp_path / "program", script)
    answer = ask(find(tmp_path, PATH=os.environ["PATH"]), [program], "a\udce9\n")
    assert answer == (3, "a\udce9\ncaf\udce9\x0b", "C")


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot run"):
        ask(find(tmp_path), [str(tmp_path / "none")])
