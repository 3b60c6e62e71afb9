"""A host that an administrator has set rules for: a real /etc/localai, in a mount namespace of our
own, and whole checks under it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

POLICIES = Path(__file__).parents[2] / "policies"
HEAD = "schema: localai.policy/1\nname: agency\n"
TODAY = datetime.now(UTC).date()
SOON = TODAY + timedelta(days=90)
LIST = f"restricted-technologies: {{{{source: Office, as-of: {TODAY}, names: [{{}}]}}}}\n"
# An /etc of our own over the host's, with the rules in it.
SCRIPT = """
mount -t tmpfs tmpfs "$SPACE"
mkdir "$SPACE/upper" "$SPACE/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$SPACE/upper,workdir=$SPACE/work" /etc
mkdir -m 755 /etc/localai /etc/localai/manifests
install -m 644 "$HOME"/.config/localai/root.json "$HOME"/.config/localai/root.dsse.json /etc/localai
install -m 644 "$HOME"/.config/localai/manifests/agency.* /etc/localai/manifests
echo sandbox > /etc/localai/environment
if [ -n "$POLICY" ]; then printf %s "$POLICY" > /etc/localai/policy.yaml; fi
exec "$PYTHON" -m localai check "$HOME/tiny.gguf" --json
"""


class Host:
    """An account with a signed manifest, which the administrator took over."""

    def __init__(self, place: Path, model: bytes) -> None:
        self.home, self.space = place / "home", place / "space"
        self.own = self.home / ".config" / "localai" / "policy.yaml"
        for directory in (self.home, self.space):
            directory.mkdir()
        (self.home / "tiny.gguf").write_bytes(model)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self.environ = {**kept, "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        source = ("--publisher", "Acme", "--repository", "acme/tiny", "--licence", "Apache-2.0")
        for words in (
            ("keys", "generate", "anna", "--unencrypted-key"),
            ("trust", "init", "--key", "anna"),
            ("manifest", "init", "agency"),
            ("manifest", "add", "tiny.gguf", *source, "--by", "Office"),
            ("manifest", "sign", "--key", "anna"),
        ):
            command = [sys.executable, "-m", "localai", *words]
            subprocess.run(command, env=self.environ, cwd=self.home, check=True)

    def check(self, policy: str = "", own: str = "") -> dict[str, str]:
        """What every gate answers under these two policies."""
        self.own.unlink(missing_ok=True)
        if own:
            self.own.write_text(own)
        more = {"SPACE": str(self.space), "POLICY": policy, "PYTHON": sys.executable}
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc", SCRIPT],
            env=self.environ | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 3), done.stderr
        return {one["check"]: one["verdict"] for one in json.loads(done.stdout)["findings"]}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, tiny_bytes: bytes) -> Host:
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("an /etc of our own takes root and unshare (util-linux)")
    place = tmp_path_factory.mktemp("administered")
    tried = 'mount -t tmpfs t "$0" && mkdir "$0/u" "$0/w" && mount -t overlay o /etc -o '
    tried += '"lowerdir=/etc,upperdir=$0/u,workdir=$0/w" && ! test -e /etc/localai'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", tried, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no /etc of our own can be had here: {done.stderr.strip()}")
    return Host(place, tiny_bytes)


def test_without_a_list_of_restricted_technology_nothing_starts(host: Host) -> None:
    found = host.check()
    assert found["policy"] == "note"  # there is none: the built-in one, and nothing looser
    assert found.pop("restricted-technology") == "not-checked"
    assert set(found.values()) == {"pass", "note"}


def test_a_users_list_does_not_stand_in_for_it(host: Host) -> None:
    own = HEAD + LIST.format("Forbidden Labs")
    assert host.check(HEAD, own)["restricted-technology"] == "not-checked"


def test_with_a_list_everything_is_allowed(host: Host) -> None:
    found = host.check(HEAD + LIST.format("Forbidden Labs"))
    assert set(found.values()) <= {"pass", "note"}


def test_a_user_adds_names_and_takes_none_away(host: Host) -> None:
    policy = HEAD + LIST.format("Forbidden Labs")
    assert host.check(policy, HEAD + LIST.format("ac-me"))["restricted-technology"] == "fail"
    policy = HEAD + LIST.format("ACME")
    assert host.check(policy, HEAD + LIST.format(""))["restricted-technology"] == "fail"


def test_a_waiver_says_that_there_is_none_on_purpose(host: Host) -> None:
    waiver = f"{{check: restricted-technology, approver: Officer, reason: no list, until: {SOON}}}"
    found = host.check(f"{HEAD}waivers: [{waiver}]\n")
    assert found["restricted-technology"] == "waived"


def test_a_waiver_without_end_lets_nothing_start(host: Host) -> None:
    waiver = "{check: restricted-technology, approver: Officer, reason: no list, until: 9999-12-31}"
    found = host.check(f"{HEAD}waivers: [{waiver}]\n")
    assert (found["policy"], found["restricted-technology"]) == ("fail", "not-checked")


@pytest.mark.parametrize("name", ["workstation", "strict", "governance"])
def test_no_example_lets_anything_start_before_it_is_filled_in(host: Host, name: str) -> None:
    policy = (POLICIES / f"{name}.yaml").read_text("utf-8")
    found = host.check(re.sub(r"(?<=until: )\S+", str(SOON), policy))
    assert found["policy"] == "pass"
    assert found["restricted-technology"] == "not-checked"
    assert found["licence"] == "pass"
    assert found["account"] == ("note" if name == "workstation" else "fail")
