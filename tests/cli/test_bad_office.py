"""What an officer's commands meet and cannot work with: one clear message, its exit code, and
nothing lost, changed or left half-written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from home import TERMS, Home, Ran

import gguf_maker
from localai.manifest.schema import parse_manifest

OTHER_DAY = Path(__file__).with_name("otherday.py")
TWO_YEARS_AGO = (datetime.now(UTC) - timedelta(days=731)).date().isoformat()
PASSPHRASE = "four words nobody guesses"

MODEL, MANIFEST, ENVELOPE = "{model}", "{manifest}", "{envelope}"
ADD = ("--publisher", "a", "--repository", "a/b", "--licence", "MIT")
READING = {
    "verify": ("manifest", "verify"),
    "status": ("manifest", "status"),
    "audit": ("manifest", "audit", "--root", "tmp"),
    "export": ("manifest", "export", "--csv", "approved.csv"),
    "show": ("manifest", "show"),
    "diff": ("manifest", "diff", "own", MANIFEST),
    "review": ("manifest", "review", "tiny"),
    "by hand": ("manifest", "verify", "--by-hand"),
}
CHANGING = {
    "sign": ("manifest", "sign", "--key", "own"),
    "sign and renew": ("manifest", "sign", "--key", "own", "--days", "90"),
    "payload": ("manifest", "sign", "--print-payload", "--days", "90"),
    "request": ("manifest", "request-signature", "--days", "90"),
    "attach": ("manifest", "attach-signature", "--signature", ENVELOPE),
    "renew": ("manifest", "renew", "tiny"),
    "add": ("manifest", "add", MODEL, *ADD),
    "approve": ("approve", MODEL, *TERMS),
}
DENYING = {
    "remove": ("manifest", "remove", "tiny"),
    "revoke": ("manifest", "revoke", "tiny", "--reason", "why", "--key", "own"),
}


def call(home: Home, words: tuple[str, ...], *how: str) -> Ran:
    """Run a command with what stands for files replaced; ``how`` in the place of ``-m localai``."""
    manifests = home.directory / "config/manifests"
    names = {
        MODEL: home.place / "other.gguf",
        MANIFEST: manifests / "own.yaml",
        ENVELOPE: manifests / "own.dsse.json",
    }
    said = [str(names.get(word, word)) for word in words]
    return subprocess.run(
        [sys.executable, *(how or ("-m", "localai")), *said],
        env=home.environ | {"COLUMNS": "1000"},
        cwd=home.place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )


def refuse(home: Home, words: tuple[str, ...], code: int, *how: str) -> str:
    """What a command says that must end so and change nothing."""
    before, beside = home.files(), sorted(path.name for path in home.place.iterdir())
    ran = call(home, words, *how)
    said = (ran.stdout + ran.stderr).decode()
    assert ran.returncode == code, said
    assert "Traceback" not in said
    after = home.files()
    changed = {name for name in after | before if before.get(name) != after.get(name)}
    assert {Path(name).name for name in changed} <= {"audit-cache"}
    assert sorted(path.name for path in home.place.iterdir()) == beside
    return said


@pytest.fixture(scope="module")
def office(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose manifest has an entry, and a model that is in none."""
    office = home.copy(tmp_path_factory.mktemp("office"))
    (office.place / "other.gguf").write_bytes(gguf_maker.make_model(seed=31))
    return office


def spoilt(office: Home, place: Path) -> Home:
    other = office.copy(place)
    (place / "other.gguf").write_bytes((office.place / "other.gguf").read_bytes())
    return other


@pytest.fixture(scope="module")
def huge(office: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A hundred thousand entries, each sound in itself: more than fifty megabytes."""
    home = spoilt(office, tmp_path_factory.mktemp("huge"))
    path = home.directory / "config/manifests/own.yaml"
    head, _, entry = path.read_text().partition("entries:\n")

    def number(at: int) -> str:
        named = entry.replace("id: tiny", f"id: tiny{at}")
        return re.sub(r"(sha256: [0-9a-f]{58})[0-9a-f]{6}", rf"\g<1>{at:06x}", named)

    assert len(parse_manifest(f"{head}entries:\n{number(1)}{number(2)}".encode()).entries) == 2
    path.write_text(f"{head}entries:\n{''.join(map(number, range(100_000)))}")
    assert path.stat().st_size > 50_000_000
    return home


@pytest.mark.parametrize("command", [*READING, *CHANGING, *DENYING])
def test_a_manifest_of_fifty_megabytes(huge: Home, command: str) -> None:
    words = {**READING, **CHANGING, **DENYING}[command]
    judged = command in ("verify", "status", "audit", "export")
    said = refuse(huge, words, 3 if judged else 4)
    assert re.search("own.* (bytes|MiB)", said)


@pytest.fixture(scope="module")
def cut(office: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = spoilt(office, tmp_path_factory.mktemp("cut"))
    path = home.directory / "config/manifests/own.dsse.json"
    path.write_bytes(path.read_bytes()[:99])
    return home


@pytest.mark.parametrize("command", ["verify", "status", "audit", "export"])
def test_signatures_that_were_cut_short_count_for_nobody(cut: Home, command: str) -> None:
    assert "signatures malformed" in refuse(cut, READING[command], 3)


@pytest.mark.parametrize("command", ["sign", "sign and renew", "attach", "approve"])
def test_signatures_that_were_cut_short_are_never_written_over(cut: Home, command: str) -> None:
    said = refuse(cut, CHANGING[command], 4)
    assert "own.dsse.json: line " in said or "signatures malformed: line " in said
    assert "hint: " in said


SIGNING = {
    **{name: CHANGING[name] for name in ("sign", "sign and renew", "approve")},
    "revoke": DENYING["revoke"],
    "trust revoke": ("trust", "revoke", "--entry", "x", "--reason", "y"),
    "trust init": ("trust", "init", "--key", "own"),
}


@pytest.mark.parametrize("command", SIGNING)
def test_an_encrypted_key_without_a_terminal(office: Home, tmp_path: Path, command: str) -> None:
    home = spoilt(office, tmp_path)
    key = home.directory / "config/keys/own.pem"
    locked = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", str(key), "-passout", f"pass:{PASSPHRASE}"],
        check=True,
        capture_output=True,
    )
    key.write_bytes(locked.stdout)
    if command == "trust init":
        for name in ("root.json", "root.dsse.json", "root.pin"):
            (home.directory / "config" / name).unlink()
    said = refuse(home, SIGNING[command], 2)
    assert "cannot ask for an answer here (no terminal on stdin)" in said
    assert "hint: run this command in a terminal" in said


@pytest.mark.parametrize("command", CHANGING)
def test_with_a_clock_two_years_behind_nothing_is_dated(office: Home, command: str) -> None:
    """An approval of that day would be over by the time the clock is right."""
    office.call("env", "set", "sandbox", check=True)
    declared = office.directory / "config/label.json"
    kept = declared.read_bytes()
    try:
        words = ("env", "set", "sandbox")
        assert call(office, words, str(OTHER_DAY), TWO_YEARS_AGO).returncode == 0
        said = refuse(office, CHANGING[command], 4, str(OTHER_DAY), TWO_YEARS_AGO)
    finally:
        declared.write_bytes(kept)
    assert f"and this host says {TWO_YEARS_AGO}" in said
    assert "set the clock of this host" in said


def test_with_a_clock_two_years_behind_the_label_is_told_to_be_of_a_day_to_come(
    office: Home,
) -> None:
    said = refuse(office, CHANGING["approve"], 2, str(OTHER_DAY), TWO_YEARS_AGO)
    assert "label.json: declared on" in said and "which lies in the future" in said


@pytest.mark.parametrize("command", ["verify", "status", "audit", "export"])
def test_with_a_clock_two_years_behind_nothing_is_approved(office: Home, command: str) -> None:
    said = refuse(office, READING[command], 3, str(OTHER_DAY), TWO_YEARS_AGO)
    assert f"and this host says {TWO_YEARS_AGO}" in said
    assert "not yet issued" in said


@pytest.mark.parametrize("command", DENYING)
def test_with_any_clock_something_can_be_denied(office: Home, tmp_path: Path, command: str) -> None:
    home = spoilt(office, tmp_path)
    ran = call(home, DENYING[command], str(OTHER_DAY), TWO_YEARS_AGO)
    assert ran.returncode == 0, ran.stderr
    raw = (home.directory / "config/manifests/own.yaml").read_bytes()
    assert parse_manifest(raw).entries == ()


@pytest.mark.parametrize("length", [0, 60, 120])
def test_a_list_of_what_is_revoked_that_was_cut_short_is_not_begun_anew(
    office: Home, tmp_path: Path, length: int
) -> None:
    home = spoilt(office, tmp_path)
    for entry in ("first", "second"):
        home.call("trust", "revoke", "--entry", entry, "--reason", "why", check=True)
    path = home.directory / "config/revocation.yaml"
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    said = refuse(home, ("trust", "revoke", "--entry", "third", "--reason", "why"), 4)
    assert "revocation.yaml: " in said and "hint: get the list again" in said
    path.write_bytes(whole)
    home.call("trust", "revoke", "--entry", "third", "--reason", "why", check=True)
    assert all(name in path.read_text() for name in ("first", "second", "third"))


def test_signatures_of_the_next_root_that_were_cut_short(office: Home, tmp_path: Path) -> None:
    home = spoilt(office, tmp_path)
    home.call("keys", "generate", "two", "--unencrypted-key", check=True)
    public = str(home.directory / "config/keys/two.pub.pem")
    home.call("trust", "add-key", public, "--role", "root", check=True)
    home.call("trust", "rotate", "--threshold", "root=2", check=True)
    home.call("trust", "sign", "--key", "own", check=True)
    path = home.directory / "config/roots/2.root.dsse.json"
    path.write_bytes(path.read_bytes()[:99])
    said = refuse(home, ("trust", "sign", "--key", "two"), 4)
    assert "2.root.dsse.json: " in said and "then all sign again" in said
    said = refuse(home, ("trust", "verify", str(path.parent)), 3)
    assert "signatures malformed, version 2: " in said


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("manifests", ("manifest", "status")),
        ("manifests", ("manifest", "sign")),
        ("manifests", ("manifest", "audit", "--root", "tmp")),
        ("keys", ("manifest", "sign")),
        ("keys", ("keys", "show")),
        ("roots", ("trust", "sign")),
        ("roots", ("trust", "update")),
    ],
)
def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(
    office: Home, tmp_path: Path, folder: str, command: tuple[str, ...]
) -> None:
    """A file in its place: that stops root, too."""
    home = spoilt(office, tmp_path)
    if folder == "roots":
        home.call("trust", "rotate", check=True)
    place = home.directory / "config" / folder
    place.rename(home.place / "away")
    place.touch()
    said = refuse(home, command, 4)
    assert f"{place}" in said and "hint: " in said


def test_a_folder_of_an_audit_that_may_not_be_read_is_told_and_the_others_are_read(
    office: Home, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    if os.access(closed, os.R_OK):
        pytest.skip("root reads every folder")
    said = refuse(office, ("manifest", "audit", "--root", str(closed), "--root", "."), 3)
    assert f"{closed}: not looked into, Permission denied" in said
    assert "other.gguf" in said
