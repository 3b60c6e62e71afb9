"""A manifest larger than other documents may be: every command that reads one reads it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from home import TERMS, Home

import gguf_maker
from localai.document import LIMIT
from localai.manifest.schema import ArtifactFile, parse_manifest
from localai.manifest.write import write_manifest

MANY = 2000

pytestmark = pytest.mark.usefixtures("subreaper")


@pytest.fixture
def large(home: Home, tmp_path: Path) -> Home:
    """A home whose manifest lists many more, not yet signed."""
    moved = home.copy(tmp_path)
    path = manifest_of(moved)
    manifest = parse_manifest(path.read_bytes())
    (entry,) = manifest.entries
    more = (
        entry._replace(
            id=f"more-{number}",
            files=(ArtifactFile(f"{number}.gguf", 1, sha256(b"%d" % number).hexdigest()),),
            note="x" * 200,
        )
        for number in range(MANY)
    )
    changed = manifest._replace(version=manifest.version + 1, entries=(entry, *more))
    path.write_bytes(write_manifest(changed))
    assert path.stat().st_size > LIMIT
    return moved


def manifest_of(home: Home) -> Path:
    return home.directory / "config/manifests/own.yaml"


def test_it_is_signed_verified_and_started_from(large: Home) -> None:
    path = str(manifest_of(large))
    assert large.call("check", str(large.model)).returncode == 3
    large.call("manifest", "sign", "own", check=True)
    for command in (
        ("check", str(large.model)),
        ("manifest", "verify", path),
        ("manifest", "status"),
        ("manifest", "audit", "--root", str(large.model.parent)),
        ("manifest", "request-signature", "own", "--folder", str(large.place / "request")),
        ("manifest", "export", "--html", str(large.place / "list.html")),
    ):
        large.call(*command, check=True)


def test_it_is_changed_and_keeps_all_others(large: Home) -> None:
    path, before = manifest_of(large), large.place / "before.yaml"
    before.write_bytes(path.read_bytes())
    large.call("manifest", "sign", "own", check=True)
    model = large.place / "another.gguf"
    model.write_bytes(gguf_maker.make_model(seed=5))
    large.call("approve", str(model), *TERMS, check=True)
    assert len(parse_manifest(path.read_bytes()).entries) == MANY + 2
    large.call("check", str(model), check=True)
    large.call("manifest", "renew", "more-7", check=True)
    large.call("manifest", "remove", "more-8", check=True)
    large.call("manifest", "diff", str(before), str(path), check=True)
    left = {entry.id for entry in parse_manifest(path.read_bytes()).entries}
    assert {f"more-{number}" for number in range(MANY)} - left == {"more-8"}
