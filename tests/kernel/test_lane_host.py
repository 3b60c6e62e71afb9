"""The lane on a host that an administrator has set rules for: a real /etc/localai, which nobody can
write, in a mount namespace of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

POLICY = (
    "schema: localai.policy/1\nname: agency\nrestricted-technologies: "
    f"{{source: Office, as-of: {datetime.now(UTC).date()}, names: [Forbidden Labs]}}\n"
)
OVERLAY = """
mount -t tmpfs tmpfs "$SPACE"
mkdir "$SPACE/upper" "$SPACE/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$SPACE/upper,workdir=$SPACE/work" /etc
test ! -e /etc/localai
mkdir -m 755 /etc/localai /etc/localai/manifests
"""
RULES = """
install -m 644 "$ROOT/root.json" "$ROOT/root.dsse.json" /etc/localai
echo sandbox > /etc/localai/environment
printf %s "$POLICY" > /etc/localai/policy.yaml
mount -o remount,ro /etc
! touch /etc/localai/manifests/mine.yaml 2> /dev/null
"""
FRAME = ("--purpose", "evaluation", "--data-class", "public", "--source", "acme")
TERMS = "--source acme/tiny --licence Apache-2.0 --yes"
Ran = subprocess.CompletedProcess[str]


class Host:
    """An officer's roots of trust in ``office``, without a lane and with one, and an account that
    has nothing but a key of the lane."""

    def __init__(self, place: Path, model: bytes) -> None:
        self.place, self.home, self.office = place, place / "home", place / "office"
        for directory in (self.home, self.office, place / "space"):
            directory.mkdir()
        (self.home / "tiny.gguf").write_bytes(model)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self.environ = {**kept, "LC_ALL": "C.UTF-8", "HOME": str(self.home)}
        self.call("keys", "generate", "dana", "--unencrypted-key", home=self.home)
        self.call("keys", "generate", "anna", "--unencrypted-key")
        self.call("trust", "init", "--key", "anna")
        self.keep("before")
        dana = self.home / ".config/localai/keys/dana.pub.pem"
        self.call("trust", "lane", str(dana), *FRAME, "--licence", "Apache-2.0",
                  "--until", "2099-12-31")  # fmt: skip
        self.call("trust", "sign", "--key", "anna")
        self.keep("after")

    def keep(self, name: str) -> None:
        (self.office / name).mkdir()
        for file in ("root.json", "root.dsse.json"):
            shutil.copy(self.office / ".config/localai" / file, self.office / name)

    def call(self, *words: str, home: Path | None = None) -> None:
        environ = self.environ | {"HOME": str(home or self.office)}
        command = [sys.executable, "-m", "localai", *words]
        subprocess.run(command, env=environ, cwd=self.office, check=True, capture_output=True)

    def play(self, script: str, root: str = "after") -> Ran:
        """Run commands of the account where the officer's root of trust is in force."""
        shutil.rmtree(self.home / ".config/localai/imported", ignore_errors=True)
        shutil.rmtree(self.home / ".local", ignore_errors=True)
        more = {"SPACE": str(self.place / "space"), "ROOT": str(self.office / root)}
        said = f'localai() {{ "{sys.executable}" -m localai "$@"; }}\n'
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc",
             OVERLAY + RULES + said + script],
            env=self.environ | more | {"POLICY": POLICY},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, tiny_bytes: bytes) -> Host:
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("an /etc of our own takes root and unshare (util-linux)")
    place = tmp_path_factory.mktemp("lane")
    tried = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-euc", OVERLAY],
        env=os.environ | {"SPACE": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"no /etc of our own can be had here: {tried.stderr.strip()}")
    return Host(place, tiny_bytes)


def test_a_key_of_the_lane_approves_without_an_administrator(host: Host) -> None:
    done = host.play(f"localai approve tiny.gguf {TERMS} >&2; localai check tiny.gguf --json")
    assert done.returncode == 0, done.stderr
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert {one["verdict"] for one in found.values()} <= {"pass", "note"}
    assert "lane of dana until 2099-12-31" in found["manifest-signature"]["evidence"]


def test_without_the_lane_it_is_a_proposal(host: Host) -> None:
    done = host.play(f"localai approve tiny.gguf {TERMS}; rm *.proposal.json", "before")
    assert "proposal written" in done.stdout
    assert host.play("localai check tiny.gguf", "before").returncode == 3


def test_what_was_approved_ends_with_the_lane(host: Host) -> None:
    """The same manifest under a root of trust that has no lane (any more)."""
    done = host.play(f'localai approve tiny.gguf {TERMS} && cp -r .config/localai/imported "$SPACE"'
                     f' && cp -r "$SPACE/imported" {host.office}')  # fmt: skip
    assert done.returncode == 0, done.stderr
    bring = f"cp -r {host.office}/imported .config/localai; localai verify tiny.gguf"
    assert host.play(bring).returncode == 0
    gone = host.play(bring, "before")
    assert gone.returncode == 3
    assert "not in force" in gone.stdout


def test_an_officers_manifest_needs_no_administrator_either(host: Host) -> None:
    """Signed with the role manifest, brought by whoever, imported; unsigned it is refused."""
    shutil.copy(host.home / "tiny.gguf", host.office)
    host.call("manifest", "init", "agency")
    host.call("manifest", "add", "tiny.gguf", "--publisher", "Other", "--repository", "other/tiny",
              "--licence", "MIT", "--by", "Office")  # fmt: skip
    signed = host.office / ".config/localai/manifests/agency.yaml"
    bring = f"localai manifest import {signed}; localai verify tiny.gguf"
    refused = host.play(bring)
    assert refused.returncode == 3
    assert "not imported, nothing was written" in refused.stderr
    host.call("manifest", "sign", "--key", "anna")
    done = host.play(bring)
    assert done.returncode == 0, done.stderr
    assert "intact: tiny in agency, approved by Office" in done.stdout
