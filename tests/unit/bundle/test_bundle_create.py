"""What is created is whole, or not there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hosts import FILES, ONE, TODAY, Host, Officer, lists

from localai.bundle.gathering import gather
from localai.cli.stores.bundling import create
from localai.errors import Exit, StateError, UsageError
from localai.manifest.revocation import Kind, Revoked
from localai.store.held import find_held


def made(host: Host) -> list[str]:
    return sorted(path.name for path in host.place.iterdir())


def test_what_goes_in(staging: Host, officer: Officer) -> None:
    """Of all manifests those that list it, and no draft of a next root."""
    staging.has_manifest(
        officer.manifest(lists(("x.gguf", b"x"), entry="x"), name="other"), "other"
    )
    expired = officer.manifest(lists(*FILES), name="old", until=staging.around.today.replace(day=1))
    staging.has_manifest(expired, "old")
    roots = staging.places.config / "roots"
    roots.mkdir()
    (roots / "2.root.json").write_bytes(officer.root(2)[0])
    contents = staging.contents()
    assert [one.raw for one in contents.manifests] == [officer.manifest(lists(*FILES))[0]]
    assert [one.raw for one in contents.roots] == [officer.root()[0]]
    assert [one.id for one in contents.artifacts] == ["tiny"]


def test_a_changed_file_is_seen(staging: Host, capsys: pytest.CaptureFixture[str]) -> None:
    path = find_held(staging.store, "tiny").paths[1]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    before = made(staging)
    assert create(staging.around, ["tiny"], staging.place / "out") is Exit.REFUSED
    said = " ".join(capsys.readouterr().out.split())
    assert "not as it arrived" in said
    assert "localai store verify tiny" in said
    assert made(staging) == before


def test_what_is_there_stays(staging: Host) -> None:
    out = staging.place / "out"
    for make in (lambda: out.write_bytes(b"mine"), lambda: out.symlink_to("nowhere"), out.mkdir):
        make()
        with pytest.raises(UsageError, match="exists already"):
            create(staging.around, ["tiny"], out)
        if out.is_file():
            assert out.read_bytes() == b"mine"
        out.rmdir() if out.is_dir() else out.unlink()


def test_what_cannot_be_carried(staging: Host) -> None:
    with pytest.raises(UsageError, match="there is no nothing"):
        create(staging.around, ["nothing"], staging.place / "out")
    with pytest.raises(StateError, match="there is no folder"):
        create(staging.around, ["tiny"], staging.place / "no" / "out")
    held = find_held(staging.store, "tiny")
    (held.directory / "origin.json").unlink()
    with pytest.raises(UsageError, match="nobody brought it"):
        create(staging.around, ["tiny"], staging.place / "out")


def test_what_no_host_would_read_is_not_carried(staging: Host) -> None:
    held = find_held(staging.store, "tiny")
    many = [held._replace(id=f"n{number}") for number in range(1001)]
    assert len(gather(many[:1000], staging.places, TODAY).contents.artifacts) == 1000
    with pytest.raises(UsageError, match="no host would read such a bundle"):
        gather(many, staging.places, TODAY)


def test_a_name_twice_is_one(staging: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert create(staging.around, ["tiny", "tiny"], staging.place / "out") is Exit.DONE
    assert "1 artifact, 1 manifest" in capsys.readouterr().err
    assert (staging.place / "out").read_bytes().count(ONE) == 1


def test_unlisted_is_said(staging: Host, capsys: pytest.CaptureFixture[str]) -> None:
    staging.brings("other", [("other.gguf", b"other")])
    assert create(staging.around, ["other"], staging.place / "out") is Exit.DONE
    assert "other: no manifest here lists it" in capsys.readouterr().err


def test_of_what_is_listed_elsewhere_nothing_travels(staging: Host, officer: Officer) -> None:
    """An entry that does not count, because it is revoked, does not take its manifest along."""
    line = Revoked(Kind.ENTRY, "tiny", date(2026, 1, 5), "it leaks")
    staging.has_revoked(officer.revocations(line))
    found = [find_held(staging.store, "tiny")]
    gathered = gather(found, staging.places, TODAY)
    assert gathered.unlisted == ("tiny",)
    assert not gathered.contents.manifests


def test_nothing_is_left_beside_it(staging: Host, tmp_path: Path) -> None:
    create(staging.around, ["tiny"], tmp_path / "x.bundle")
    assert [one.name for one in tmp_path.glob(".*")] == []
