"""A store for every account of a host: root brings and promotes, an ordinary user lists and runs,
at the place where it really lies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kept_host import AS_USER, MODEL, USER, KeptHost, find_obstacle

import gguf_maker as maker

BRING = Path(__file__).parents[1] / "bring.py"
TERMS = ("--yes", "--source", "example/tiny", "--licence", "Apache-2.0")
STORE = "/var/lib/localai/store"
# What root and the machine keep from one command to the next.
KEPT = """
for one in lib roots; do mkdir -p "$0/$one"; done
mkdir /mnt/roots; mount --bind "$0/roots" /mnt/roots; mount --bind "$0/lib" /var/lib
"""
# Locks whatever can be opened below a folder, as long as the command of root's lasts.
HOLDER = """
import contextlib, fcntl, os, sys, time
held = []
for folder, _, files in os.walk(sys.argv[1]):
    held.append(os.open(folder, os.O_RDONLY))
    fcntl.flock(held[-1], fcntl.LOCK_EX)  # the holder before this one may not have ended yet
    for name in files:
        with contextlib.suppress(PermissionError, BlockingIOError):  # a twin of what it has
            held.append(os.open(os.path.join(folder, name), os.O_RDONLY))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
print(len(held), flush=True)
parent, until = os.getppid(), time.monotonic() + 60
while os.getppid() == parent and time.monotonic() < until:
    time.sleep(0.05)
"""
HELD = f"""
rm -f "$0/held"; {AS_USER} {sys.executable} /mnt/home/holder.py {STORE} > "$0/held" 2>&1 &
for _ in $(seq 400); do [ -s "$0/held" ] && break; sleep 0.05; done
for one in {STORE} {STORE}/approved {STORE}/approved/*; do
  if [ -e "$one" ] && flock -n "$one" true; then echo "$one is not held" >&2; exit 99; fi
done
"""


class SharedHost(KeptHost):
    """Such a host with two accounts that have homes of their own."""

    def root(self, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
        how = "env -u LOCALAI_HOME HOME=/mnt/roots COLUMNS=300"
        return self.localai(*words, how=how, before=KEPT + before)

    def user(self, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
        how = f"env -u LOCALAI_HOME COLUMNS=300 {AS_USER}"
        return self.localai(*words, how=how, before=KEPT + before)

    def bring(self, name: str) -> None:
        command = (sys.executable, str(BRING), name, str(MODEL))
        how = "env -u LOCALAI_HOME HOME=/mnt/roots"
        self.call(*command, how=how, before=KEPT, check=True)


def done(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> SharedHost:
    if obstacle := find_obstacle():
        pytest.skip(f"a store for all accounts was not tested: {obstacle}")
    if Path("/etc/localai").exists() or Path(STORE).exists():
        pytest.skip("this host has rules or a store of an administrator")
    host = SharedHost(tmp_path_factory.mktemp("shared"), maker.make_model())
    assert done(host.root("store", "setup")).startswith(f"made: {STORE}; uid 0 changes it")
    for account in (host.root, host.user):
        done(account("setup", "--label", "sandbox", "--unencrypted-key"))
        done(account("approve", str(MODEL), *TERMS))
    host.bring("tiny")
    return host


def test_from_quarantine_to_another_accounts_start(host: SharedHost) -> None:
    assert "the store is empty" in done(host.user("store", "list"))
    assert "quarantine  tiny" in done(host.root("store", "list"))
    assert host.user("check", "tiny").returncode == 3  # there is none for this account
    assert "approved: tiny in own" in done(host.root("store", "promote", "tiny"))
    assert f"from example/tiny at 1, in {STORE}" in done(host.user("store", "list"))
    assert f"lies in    {STORE}/approved/tiny" in done(host.user("store", "show", "tiny"))
    assert "tiny: intact" in done(host.user("store", "verify"))
    said = done(host.user("run", "tiny", "hi", "-n", "4"))
    assert "read-only store" in said
    for words in (("promote", "tiny"), ("demote", "tiny"), ("remove", "tiny")):
        ran = host.user("store", *words)
        assert (ran.returncode, STORE in ran.stderr) == (2, True)
    done(host.root("store", "demote", "tiny"))
    assert "the store is empty" in done(host.user("store", "list"))
    assert host.user("check", "tiny").returncode == 3
    done(host.root("store", "promote", "tiny"))
    assert "the store is empty" not in done(host.user("store", "list"))


def test_what_waits_there_is_out_of_reach(host: SharedHost) -> None:
    host.bring("waits")
    waiting = f"{STORE}/quarantine/waits/{MODEL.name}"
    ran = host.user("check", waiting)
    assert ran.returncode == 3
    assert "Permission denied" in ran.stdout
    opened = f"chmod 755 {STORE}/quarantine;"
    found = host.user("check", waiting, before=opened)
    assert found.returncode == 3
    assert "in quarantine" in found.stdout  # and it does not run where somebody opened it
    assert "quarantine can be written" not in host.root("store", "verify").stdout
    done(host.root("store", "setup"))  # closes it again
    assert "Permission denied" in host.user("check", waiting).stdout
    done(host.root("store", "remove", "waits"))


def test_a_lock_of_what_one_may_read_stops_nobody(host: SharedHost) -> None:
    """An ordinary user takes every lock in the store that it can get, and root goes on working."""
    host.bring("stays")
    (host.place / "home" / "holder.py").write_text(HOLDER)
    done(host.root("store", "promote", "stays"))
    for words in (("demote", "stays"), ("promote", "stays"), ("gc",), ("remove", "stays")):
        done(host.root("store", *words, before=HELD))
        assert int((host.place / "held").read_text()) >= 2
    assert "quarantine  stays" not in done(host.root("store", "list"))


@pytest.mark.parametrize("named", [(), ("--store", STORE)], ids=["found", "named"])
def test_who_does_not_keep_it_is_told_who_does(host: SharedHost, named: tuple[str, ...]) -> None:
    host.bring("other")
    done(host.root("store", "promote", "other"))
    for step in ("demote", "remove"):
        ran = host.user("store", *named, step, "other")
        found = f"other lies in {STORE}, which is another account's"
        told = f"{STORE} is no store of this account's" if named else found
        assert (ran.returncode, told in ran.stderr) == (2, True)
        assert f"ls -ld {STORE}" in ran.stderr
    done(host.root("store", "remove", "other"))


def test_who_still_writes_holds_it_back(host: SharedHost) -> None:
    host.bring("held")
    path = host.place / "lib/localai/store/quarantine/held" / MODEL.name
    path.chmod(0o644)
    with path.open("r+b"):
        path.chmod(0o444)
        ran = host.root("store", "promote", "held")
        assert ran.returncode == 3
        assert "is open for writing somewhere" in ran.stdout + ran.stderr
    assert "approved: " in done(host.root("store", "promote", "held"))
    done(host.root("store", "remove", "held"))


def test_it_is_made_only_where_it_is_out_of_reach(host: SharedHost) -> None:
    ran = host.root("store", "setup", "/mnt/home/models")
    assert (ran.returncode, f"belongs to uid {USER}" in ran.stdout + ran.stderr) == (3, True)
    assert not (host.place / "home" / "models").exists()
    ran = host.user("store", "setup", "/mnt/home/models")
    assert (ran.returncode, "sudo localai store setup" in ran.stderr) == (2, True)
    before = 'mkdir -m 2775 "$0/ours"; mkdir /mnt/ours; mount --bind "$0/ours" /mnt/ours;'
    ran = host.root("store", "setup", "/mnt/ours", before=before)
    assert (ran.returncode, "others may write to /mnt/ours" in ran.stdout + ran.stderr) == (3, True)
    assert not [*(host.place / "ours").iterdir()]
    how = "env HOME=/mnt/roots"  # LOCALAI_HOME is set
    assert host.localai("store", "setup", how=how, before=KEPT).returncode == 2


def test_a_store_elsewhere(host: SharedHost) -> None:
    """In a folder of its own, worked on by its name."""
    before = 'mkdir -p "$0/big" /mnt/big; mount --bind "$0/big" /mnt/big;'
    made = done(host.root("store", "setup", "/mnt/big/models", before=before))
    assert "localai store --store /mnt/big/models" in made
    place = host.place / "big" / "models"
    modes = {one.name: one.stat().st_mode & 0o777 for one in (place, *place.iterdir())}
    assert modes == {
        "models": 0o755, "approved": 0o755, "proposed": 0o700, "quarantine": 0o700,
        "incoming": 0o700,
    }  # fmt: skip
    words = ("store", "--store", "/mnt/big/models", "list")
    assert "the store is empty" in done(host.root(*words, before=before))
    assert place.stat().st_uid == 0
