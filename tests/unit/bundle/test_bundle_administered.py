"""A host with rules of an administrator: an ordinary user brings what the rules already trust, and
changes none of them."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from hosts import FILES, ONE, TODAY, TWO, Host, Officer, lists

from localai.bundle.contents import Signed
from localai.errors import Exit
from localai.manifest.load import load_manifests
from localai.manifest.revocation import Kind, Revoked
from localai.store.held import find_held, list_held
from localai.store.state import State


@pytest.fixture
def ruled(tmp_path: Path, officer: Officer) -> Host:
    if os.geteuid():
        pytest.skip("only root can make the files that count as the administrator's")
    host = Host(tmp_path / "ruled")
    rules = host.place / "etc"
    (rules / "manifests").mkdir(parents=True)
    raw, signatures = officer.root()
    (rules / "root.json").write_bytes(raw)
    (rules / "root.dsse.json").write_bytes(signatures)
    for path in rules.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
    host.places = host.places._replace(administered=True)
    return host


def rules_of(host: Host) -> dict[str, bytes]:
    found = (host.place / "etc").rglob("*")
    return {str(path): path.read_bytes() for path in found if path.is_file()}


def test_what_the_rules_trust(ruled: Host, bundle: Path) -> None:
    before = rules_of(ruled)
    assert ruled.imports(bundle) is Exit.DONE
    assert rules_of(ruled) == before
    (manifest,) = load_manifests(ruled.places, TODAY)
    assert manifest.path.parent == ruled.places.imported
    assert [one.id for one in manifest.entries] == ["tiny"]
    assert find_held(ruled.store, "tiny").state is State.APPROVED


def test_newer_rules_are_the_administrators(
    ruled: Host, staging: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rules_of(ruled)
    roots = Signed(*officer.root()), Signed(*officer.root(2))
    newer = staging.contents()._replace(roots=roots)
    by_next = Signed(*officer.manifest(lists(*FILES), key=officer.next_key))
    path = staging.packs(newer._replace(manifests=(by_next,)), ONE, TWO)
    assert ruled.imports(path) is Exit.REFUSED
    assert not list_held(ruled.store)
    assert ruled.imports(staging.packs(newer, ONE, TWO)) is Exit.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert "only the administrator puts it in force on this host" in said
    assert "localai trust update FOLDER" in said
    assert rules_of(ruled) == before


def test_what_the_bundle_revokes_does_not_come_in(
    ruled: Host, staging: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although only the administrator can put the list where every start asks it."""
    line = Revoked(Kind.ENTRY, "tiny", date(2026, 1, 5), "it leaks")
    contents = staging.contents()._replace(revocation=Signed(*officer.revocations(line)))
    before = rules_of(ruled)
    assert ruled.imports(staging.packs(contents, ONE, TWO)) is Exit.REFUSED
    assert "it leaks" in capsys.readouterr().out
    assert rules_of(ruled) == before
