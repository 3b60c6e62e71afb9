"""Key files: modes, passphrases, and that no key is ever replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from office import names

from localai.errors import DocumentError, KeyFileError, StateError
from localai.manifest.keyfile import LIMIT, load_key, load_public, public_beside, save_key
from localai.manifest.signature import PrivateKey, generate_key

PASSPHRASE = "four words nobody guesses"


def never() -> str:
    raise AssertionError("the passphrase was asked for")


@pytest.fixture
def key() -> PrivateKey:
    return generate_key()


def test_it_survives(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "keys" / "officer.pem"
    save_key(path, key, PASSPHRASE)
    assert load_key(path, lambda: PASSPHRASE).public == key.public
    assert load_public(public_beside(path)) == key.public
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_beside(path).name == "officer.pub.pem"
    assert names(path.parent) == ["officer.pem", "officer.pub.pem"]


def test_the_mode_does_not_follow_the_umask(tmp_path: Path, key: PrivateKey) -> None:
    before = os.umask(0)
    try:
        save_key(tmp_path / "keys" / "officer.pem", key, None)
    finally:
        os.umask(before)
    assert (tmp_path / "keys" / "officer.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_unencrypted_asks_for_nothing(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "officer.pem"
    save_key(path, key, None)
    assert load_key(path, never).public == key.public


def test_a_wrong_passphrase(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "officer.pem"
    save_key(path, key, PASSPHRASE)
    with pytest.raises(KeyFileError, match=r"officer\.pem: wrong passphrase"):
        load_key(path, lambda: PASSPHRASE + "x")


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 11])
def test_a_short_passphrase_leaves_no_file(
    tmp_path: Path, key: PrivateKey, passphrase: str
) -> None:
    with pytest.raises(KeyFileError, match="expected 12 or more"):
        save_key(tmp_path / "officer.pem", key, passphrase)
    assert names(tmp_path) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, key: PrivateKey, mode: int) -> None:
    path = tmp_path / "officer.pem"
    save_key(path, key, None)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"mode {mode:04o}: others may use") as caught:
        load_key(path, never)
    assert f"chmod 600 {path}" in caught.value.hint


def test_a_key_is_never_replaced(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "officer.pem"
    save_key(path, key, None)
    with pytest.raises(StateError, match="exists already"):
        save_key(path, generate_key(), None)
    assert load_key(path, never).public == key.public
    assert load_public(public_beside(path)) == key.public
    assert names(tmp_path) == ["officer.pem", "officer.pub.pem"]


def test_what_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "officer.pem"
    with pytest.raises(KeyFileError, match="there is no key"):
        load_key(path, never)
    for content in (b"", b"hello", b"\xff" * 100):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(KeyFileError, match="not a private key"):
            load_key(path, never)
    path.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(KeyFileError, match=f"more than {LIMIT}"):
        load_key(path, never)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(KeyFileError, match="not a regular file"):
        load_key(path, never)


def test_what_is_no_public_key(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "x.pub.pem"
    with pytest.raises(DocumentError, match="there is no key"):
        load_public(path)
    for content in (b"", b"hello", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(DocumentError, match="neither a public key nor"):
            load_public(path)
