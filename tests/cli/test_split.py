"""A model in several files, from approval to an answer; and what is no whole set."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from home import TERMS, Home

import gguf_maker as maker

FIRST, SECOND = "tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"
GREEDY = ("hi", "-n", "8", "--temperature", "0")


def write_set(place: Path, first: bytes, second: bytes) -> Path:
    """A set of two files; returns the first."""
    place.mkdir(exist_ok=True)
    (place / FIRST).write_bytes(first)
    (place / SECOND).write_bytes(second)
    return place / FIRST


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    place = tmp_path_factory.mktemp("split")
    return Home(place, write_set(place, *maker.make_split()))


def test_a_set_answers_like_the_same_model_in_one_file(home: Home, tmp_path: Path) -> None:
    whole = tmp_path / "whole.gguf"
    whole.write_bytes(maker.make_model())
    home.call("approve", str(whole), *TERMS, check=True)
    expected = home.call("run", str(whole), *GREEDY, check=True).stdout
    ran = home.run(*GREEDY)
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout == expected
    assert b"and 1 more, sealed in memory" in ran.stderr


def test_every_file_of_a_set_is_on_record(home: Home) -> None:
    home.run(*GREEDY, check=True)
    digests = home.records()[-1]["artifact"]["digests"]
    assert len(set(digests)) == 2
    out = home.place / "answer"
    home.run(*GREEDY, "--out", str(out), check=True)
    assert [line for line in out.read_text().splitlines() if line.startswith("digest:")] == [
        f"digest: {digest}" for digest in digests
    ]


def without_second(path: Path) -> Path:
    path.with_name(SECOND).unlink()
    return path


def doubled(path: Path) -> Path:
    shutil.copy(path, path.with_name(SECOND))
    return path


def swapped(path: Path) -> Path:
    return write_set(path.parent, *reversed(maker.make_split()))


def mixed(path: Path) -> Path:
    """Two sets of one shape: only the digest tells them apart."""
    return write_set(path.parent, maker.make_split()[0], maker.make_split(seed=2)[1])


def second_named(path: Path) -> Path:
    return path.with_name(SECOND)


def renamed(path: Path) -> Path:
    return path.rename(path.with_name("tiny.gguf"))


NO_SETS: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "a part missing": (without_second, f"1 of 2 parts are missing: {SECOND}", "download them into"),
    "one part twice": (doubled, "a part is there twice", "all parts of one set"),
    "parts swapped": (swapped, "parts in another order", "all parts of one set"),
    "parts of two sets": (
        mixed,
        "not what tiny-00001-of-00002 lists",
        "get it again from example/",
    ),
    "the second part named": (second_named, "is not the first part of its set", FIRST),
    "a part alone": (renamed, "the file is one of 2 parts; found 1", "all parts of one set"),
}


@pytest.mark.parametrize("flaw", NO_SETS)
def test_what_is_no_whole_set_is_refused(home: Home, tmp_path: Path, flaw: str) -> None:
    spoil, problem, remedy = NO_SETS[flaw]
    path = spoil(write_set(tmp_path / "wrong", *maker.make_split()))
    ran = home.call("run", str(path), *GREEDY, environ={"COLUMNS": "1000"})
    said = ran.stderr.decode()
    assert (ran.returncode, ran.stdout) == (3, b""), said
    assert problem in said
    assert remedy in said


@pytest.mark.parametrize("flaw", [flaw for flaw in NO_SETS if flaw != "parts of two sets"])
def test_what_is_no_whole_set_is_not_approved(home: Home, tmp_path: Path, flaw: str) -> None:
    spoil, problem, remedy = NO_SETS[flaw]
    path = spoil(write_set(tmp_path / "wrong", *maker.make_split()))
    manifest = (home.directory / "config/manifests/own.yaml").read_bytes()
    ran = home.call("approve", str(path), *TERMS, environ={"COLUMNS": "1000"})
    said = (ran.stdout + ran.stderr).decode()
    assert ran.returncode in (3, 4), said
    assert problem in said
    assert remedy in said
    assert (home.directory / "config/manifests/own.yaml").read_bytes() == manifest
