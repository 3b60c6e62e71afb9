"""Commands that change one file at the same time: nothing that they say is done gets lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from home import TERMS, Home

import gguf_maker
from localai.locking import locked_folder
from localai.manifest.schema import Manifest, parse_manifest

SEEDS = (21, 22, 23, 24)


@pytest.fixture
def moved(home: Home, tmp_path: Path) -> Home:
    place = tmp_path / "moved"
    place.mkdir()
    return home.copy(place)


# They look at a model, and let nobody look into them meanwhile.
hidden = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root sees what a process has open that hides itself"
)


def manifest(home: Home) -> Manifest:
    return parse_manifest((home.directory / "config/manifests/own.yaml").read_bytes())


def make_models(home: Home) -> list[Path]:
    models = [home.place / f"seed-{seed}.gguf" for seed in SEEDS]
    for model, seed in zip(models, SEEDS, strict=True):
        model.write_bytes(gguf_maker.make_model(seed=seed))
    return models


def count_opened(folder: Path) -> int:
    """How many processes have a folder open: those that hold its lock or wait for it."""
    return sum(folder in _folders_of(process) for process in Path("/proc").glob("[0-9]*/fd"))


def _folders_of(descriptors: Path) -> set[Path]:
    found = set()
    with contextlib.suppress(OSError):  # somebody else's process, or one that ended
        for fd in descriptors.iterdir():
            with contextlib.suppress(OSError):
                found.add(fd.readlink())
    return found


def wait_for_waiters(folder: Path, number: int) -> None:
    """Until so many processes wait for a folder's lock, which this one holds."""
    until = time.monotonic() + 50
    while count_opened(folder) <= number and time.monotonic() < until:
        time.sleep(0.05)
    assert count_opened(folder) == number + 1


@hidden
def test_all_of_four_approvals_are_kept(moved: Home) -> None:
    """All four measure their model, wait for the lock, and only then read the manifest."""
    before, models = manifest(moved), make_models(moved)
    folder = moved.directory / "config/manifests"
    with ThreadPoolExecutor(len(models)) as pool:
        with locked_folder(folder):
            asked = [pool.submit(moved.call, "approve", str(model), *TERMS) for model in models]
            wait_for_waiters(folder, len(models))
            assert manifest(moved) == before
        for one in asked:
            assert one.result().returncode == 0, one.result().stderr.decode()
    after = manifest(moved)
    assert after.version == before.version + len(models)
    assert {entry.id for entry in after.entries[1:]} == {model.stem for model in models}
    moved.call("manifest", "verify", check=True)
    moved.call("verify", *map(str, models), check=True)


@hidden
def test_all_of_four_added_entries_are_kept(moved: Home) -> None:
    before, models = manifest(moved), make_models(moved)
    folder = moved.directory / "config/manifests"
    said = ("--publisher", "example", "--repository", "example/tiny", "--licence", "MIT")
    with ThreadPoolExecutor(len(models)) as pool, locked_folder(folder):
        asked = [pool.submit(moved.call, "manifest", "add", str(m), *said) for m in models]
        wait_for_waiters(folder, len(models))
    assert [one.result().returncode for one in asked] == [0] * len(models)
    assert manifest(moved).version == before.version + len(models)
    assert len(manifest(moved).entries) == len(before.entries) + len(models)
    moved.call("manifest", "sign", check=True)
    moved.call("verify", *map(str, models), check=True)


@pytest.mark.parametrize("command", ["approve", "sign"])
def test_ended_between_the_two_files_the_old_manifest_counts(moved: Home, command: str) -> None:
    """The manifest stays as it was, as after a crash; the envelope is already the new one."""
    path = moved.directory / "config/manifests/own.yaml"
    (model, *_), old = make_models(moved), path.read_bytes()
    change = {"approve": ("approve", str(model), *TERMS), "sign": ("manifest", "sign", "--days=9")}
    moved.call(*change[command], check=True)
    moved.call("manifest", "verify", check=True)
    path.write_bytes(old)
    moved.call("manifest", "verify", check=True)
    moved.call("approve", str(model), *TERMS, check=True)
    moved.call("verify", str(model), str(moved.model), check=True)


def test_both_of_two_officers_who_sign_in_one_folder_are_kept(moved: Home, tmp_path: Path) -> None:
    """Each from an account of their own, with a state and a key of their own."""
    other, shared = moved.copy(tmp_path), tmp_path / "shared"
    for name in ("root.json", "root.dsse.json", "root.pin"):
        (moved.directory / "config" / name).unlink()
    other.call("keys", "generate", "two", "--unencrypted-key", check=True)
    second = str(other.directory / "config/keys/two.pub.pem")
    asked = ("--key", "own", "--signer", second, "--threshold", "2")
    moved.call("trust", "init", *asked, check=True)
    for name in ("root.json", "root.dsse.json", "root.pin"):
        shutil.copy(moved.directory / "config" / name, other.directory / "config")
    shutil.copytree(moved.directory / "config/manifests", shared)
    file = str(shared / "own.yaml")
    with ThreadPoolExecutor(2) as pool:
        with locked_folder(shared):
            signing = [
                pool.submit(home.call, "manifest", "sign", file, "--key", key)
                for home, key in ((moved, "own"), (other, "two"))
            ]
            wait_for_waiters(shared, 2)
        assert [one.result().returncode for one in signing] == [0, 0]
    assert b"2 of 2 signatures" in moved.call("manifest", "verify", file, check=True).stdout
    assert sorted(path.name for path in shared.iterdir()) == ["own.dsse.json", "own.yaml"]


def test_all_of_five_signatures_of_a_root_are_kept(moved: Home) -> None:
    """They sign at once, and the last of them, whoever that is, puts it in force."""
    names = [f"officer-{number}" for number in range(4)]
    for name in names:
        moved.call("keys", "generate", name, "--unencrypted-key", check=True)
        public = moved.directory / f"config/keys/{name}.pub.pem"
        moved.call("trust", "add-key", str(public), "--role", "root", check=True)
    moved.call("trust", "rotate", "--threshold", "root=5", check=True)
    folder = moved.directory / "config"
    with ThreadPoolExecutor(5) as pool:
        with locked_folder(folder):
            asked = [
                pool.submit(moved.call, "trust", "sign", "--key", name) for name in ("own", *names)
            ]
            wait_for_waiters(folder, 5)
        results = [one.result() for one in asked]
    assert [one.returncode for one in results] == [0] * 5
    assert sum(b", in force\n" in one.stdout for one in results) == 1
    shown = moved.call("trust", "show", check=True).stdout.decode()
    assert "version     2," in shown
    assert "5 of 5 keys must sign" in shown


def test_all_of_four_revocations_are_kept(moved: Home) -> None:
    moved.call("trust", "revoke", "--entry", "first", "--reason", "why", check=True)
    folder = moved.directory / "config"
    entries = [f"entry-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        with locked_folder(folder):
            asked = [
                pool.submit(moved.call, "trust", "revoke", "--entry", one, "--reason", "why")
                for one in entries
            ]
            wait_for_waiters(folder, 4)
        assert [one.result().returncode for one in asked] == [0] * 4
    shown = moved.call("trust", "show", check=True).stdout.decode()
    assert "revoked: version 5," in shown
    assert all(f"  entry       {one}," in shown for one in ("first", *entries))
