"""Bundles that pass between localai and model_signing, by the commands that people type; and what
a bundle that holds does not do."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from home import Home

import gguf_maker
from model_signing_peer import ModelSigning


class Publisher:
    """Somebody with a key by openssl, and model_signing."""

    def __init__(self, tool: ModelSigning, place: Path) -> None:
        self.tool, self.place = tool, place
        self.private, self.public = place / "publisher.pem", place / "publisher.pub"
        for command in (
            f"ecparam -name secp384r1 -genkey -noout -out {self.private}",
            f"ec -in {self.private} -pubout -out {self.public}",
        ):
            subprocess.run(["openssl", *command.split()], check=True, capture_output=True)

    def sign(self, model: Path) -> Path:
        bundle = self.place / f"{model.name}.sig"
        self.tool.sign(model, self.private, bundle)
        return bundle


@pytest.fixture
def publisher(model_signing: ModelSigning, tmp_path: Path) -> Publisher:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    place = tmp_path / "publisher"
    place.mkdir()
    return Publisher(model_signing, place)


def public_key(home: Home) -> Path:
    (key,) = (home.directory / "config" / "keys").glob("*.pub.pem")
    return key


def asked(home: Home, *arguments: str | Path) -> dict[str, Any]:
    ran = home.call("verify", *map(str, arguments), "--json")
    return dict(json.loads(ran.stdout))


def test_a_publishers_bundle_is_checked_and_kept(moved: Home, publisher: Publisher) -> None:
    bundle = publisher.sign(moved.model)
    held = ("--oms", bundle, "--key", publisher.public)
    said = asked(moved, moved.model, *held)
    (file,) = said["files"]
    assert file["provenance"]["verdict"] == "pass"
    assert said["bundle"]["key_sha256"] in file["provenance"]["evidence"]
    kept = moved.call("verify", str(moved.model), *map(str, held), "--keep", check=True)
    assert b"stronger:" in kept.stdout
    shown = moved.call("manifest", "show", check=True).stdout.decode()
    assert f"signed by the key {said['bundle']['key_sha256']}" in shown
    assert f"bundle {said['bundle']['sha256']}" in shown


def test_it_approves_nothing(moved: Home, publisher: Publisher, tmp_path: Path) -> None:
    """Neither for a file that no manifest lists, nor in one that nobody signed."""
    other = tmp_path / "other.gguf"
    other.write_bytes(moved.model.read_bytes() + b"\0" * 32)
    held = ("--oms", str(publisher.sign(other)), "--key", str(publisher.public))
    ran = moved.call("verify", str(other), *held)
    assert ran.returncode == 3
    assert b"provenance  signed" in ran.stdout
    assert moved.call("check", str(other)).returncode == 3

    assert moved.call("check", str(moved.model)).returncode == 0
    held = ("--oms", str(publisher.sign(moved.model)), "--key", str(publisher.public))
    moved.call("verify", str(moved.model), *held, "--keep", check=True)
    assert moved.call("check", str(moved.model)).returncode == 3  # a version that nobody signed
    moved.call("manifest", "sign", check=True)
    assert moved.call("check", str(moved.model)).returncode == 0


def test_what_is_wrong_refuses_and_is_not_kept(moved: Home, publisher: Publisher) -> None:
    """An approved file, so that nothing but the bundle can be what refuses."""
    bundle = publisher.sign(moved.model)
    before = moved.files()
    own = public_key(moved)
    other = publisher.place / "other.gguf"
    other.write_bytes(b"other")
    for held, summary in (
        ((bundle, own), "signed by another key"),
        ((publisher.sign(other), publisher.public), "not what was signed"),
    ):
        named = ("--oms", str(held[0]), "--key", str(held[1]))
        ran = moved.call("verify", str(moved.model), *named, "--keep")
        assert ran.returncode == 3
        assert summary in ran.stdout.decode()
    assert moved.files() == before


def test_what_is_exported_is_verified_there(
    moved: Home, model_signing: ModelSigning, tmp_path: Path
) -> None:
    bundle = tmp_path / "tiny.sig"
    moved.call("manifest", "export", "--oms", str(bundle), check=True)
    copy = tmp_path / "tiny.gguf"
    shutil.copy(moved.model, copy)
    named = ("verify", "key", "--public_key", public_key(moved), "--signature", bundle, copy)
    done = model_signing.run(*named)
    assert (done.returncode, "Verification succeeded" in done.stdout) == (0, True), done.stderr
    copy.write_bytes(copy.read_bytes() + b"\0")
    assert model_signing.run(*named).returncode != 0


def test_a_model_in_several_files(model_signing: ModelSigning, tmp_path: Path) -> None:
    """Signed by name in a folder, beside what nobody signed; and all of it, or none is kept."""
    parts = tmp_path / "parts"
    parts.mkdir()
    names = [f"tiny-0000{number}-of-00002.gguf" for number in (1, 2)]
    for name, content in zip(names, gguf_maker.make_split(), strict=True):
        (parts / name).write_bytes(content)
    home = Home(tmp_path, parts / names[0])
    bundle = tmp_path / "parts.sig"
    home.call("manifest", "export", "--oms", str(bundle), check=True)
    named = ("verify", "key", "--public_key", public_key(home), "--signature", bundle)
    assert model_signing.run(*named, parts).returncode == 0
    (parts / "README.md").write_text("more")
    assert model_signing.run(*named, parts).returncode != 0
    assert model_signing.run(*named, "--ignore_unsigned_files", parts).returncode == 0

    publisher = Publisher(model_signing, tmp_path)
    held = ("--key", str(publisher.public), "--keep")
    part = tmp_path / "part.sig"
    model_signing.sign(parts, publisher.private, part, "--ignore-paths", str(parts / names[1]))
    ran = home.call("verify", str(home.model), "--oms", str(part), *held)
    assert ran.returncode == 3
    assert f"{names[1]}: not in the bundle" in ran.stderr.decode()
    whole = publisher.sign(parts)
    home.call("verify", str(home.model), "--oms", str(whole), *held, check=True)
