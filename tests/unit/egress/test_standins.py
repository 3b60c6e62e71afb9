"""Stand-ins are at the very paths, nobody else sees them, and where they are not it is said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from inside import do_inside

from localai.egress.standins import COVERED, StandIns, outermost

WELL_KNOWN = "/run/localai-test/socket"


def touch(where: str) -> None:
    Path(where).write_text("ours", encoding="ascii")


@pytest.fixture
def laboratory(tmp_path: Path) -> Path:
    (tmp_path / "laboratory").mkdir()
    return tmp_path / "laboratory"


def test_a_stand_in_is_at_the_very_path_and_here_only(laboratory: Path) -> None:
    def work() -> list[Any]:
        standins = StandIns(laboratory, [], mounts=True)
        path = standins.make("service", WELL_KNOWN, touch)
        inside = Path(path).read_text("ascii")
        standins.close()
        return [path, inside, sorted(standins.by_class), Path(WELL_KNOWN).exists()]

    assert do_inside(laboratory, "mnt", work) == [WELL_KNOWN, "ours", [], False]
    assert not Path(WELL_KNOWN).exists()


def test_without_mounts_it_is_by_class(laboratory: Path) -> None:
    standins = StandIns(laboratory, [], mounts=False)
    path = Path(standins.make("service", WELL_KNOWN, touch))
    assert (path.parent.parent, path.read_text("ascii")) == (laboratory, "ours")
    assert standins.by_class == {"service"}
    assert not Path(WELL_KNOWN).exists()


def test_what_is_kept_stays_in_sight_and_nothing_else(laboratory: Path, tmp_path: Path) -> None:
    for name in ("kept", "covered"):
        (tmp_path / name).mkdir()
        touch(str(tmp_path / name / "file"))
    if not str(tmp_path.resolve()).startswith(tuple(f"{cover}/" for cover in outermost(COVERED))):
        pytest.skip(f"{tmp_path} lies in no directory that is covered")

    def work() -> list[bool]:
        StandIns(laboratory, [tmp_path / "kept"], mounts=True)
        return [(tmp_path / name / "file").exists() for name in ("kept", "covered")] + [
            os.access(laboratory, os.W_OK)
        ]

    assert do_inside(laboratory, "mnt", work) == [True, False, True]


def test_what_must_stay_in_sight_is_not_covered(laboratory: Path) -> None:
    def work() -> list[Any]:
        standins = StandIns(laboratory, ["/run"], mounts=True)
        standins.make("service", WELL_KNOWN, touch)
        return sorted(standins.by_class)

    assert do_inside(laboratory, "mnt", work) == ["service"]


def test_a_single_file_elsewhere_is_covered_by_another(laboratory: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    theirs = tmp_path / "kept" / "file"
    theirs.write_text("theirs", encoding="ascii")

    def work() -> list[Any]:
        standins = StandIns(laboratory, [tmp_path / "kept"], mounts=True)
        path = standins.make("file", str(theirs), touch)
        inside = theirs.read_text("ascii")
        standins.close()
        return [path, inside, sorted(standins.by_class), theirs.read_text("ascii")]

    assert do_inside(laboratory, "mnt", work) == [str(theirs), "ours", [], "theirs"]
    assert theirs.read_text("ascii") == "theirs"


def test_a_link_to_a_covered_place_leads_to_the_stand_in(laboratory: Path, tmp_path: Path) -> None:
    """As /dev/log does, where systemd runs."""
    (tmp_path / "kept").mkdir()
    link = tmp_path / "kept" / "link"
    link.symlink_to(WELL_KNOWN)

    def work() -> list[Any]:
        standins = StandIns(laboratory, [tmp_path / "kept"], mounts=True)
        path = standins.make("linked", str(link), touch)
        return [path, Path(path).read_text("ascii"), sorted(standins.by_class)]

    assert do_inside(laboratory, "mnt", work) == [str(link), "ours", []]
    assert not link.exists()


def test_only_the_outermost_directories_count(tmp_path: Path) -> None:
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "one")
    asked = [tmp_path / name for name in ("one/two", "link", "missing", "one")]
    assert outermost(asked) == [str((tmp_path / "one").resolve())]
