"""A store that the user cannot write: loaded from where it lies, and copied wherever one condition
does not hold. Real starts of an ordinary user, from files of root's."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kept_host import AS_USER, HOME, MODEL, USER, KeptHost, find_obstacle

import gguf_maker as maker


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KeptHost:
    if obstacle := find_obstacle():
        pytest.skip(f"starts from a read-only store were not tested: {obstacle}")
    return KeptHost(tmp_path_factory.mktemp("kept"), maker.make_model())


@pytest.fixture
def host(made: KeptHost) -> KeptHost:
    made.put_model()
    return made


def test_a_start_loads_what_lies_there(host: KeptHost) -> None:
    ran = host.localai("run", str(MODEL), "hi", "-n", "4", check=True)
    assert "read-only store" in ran.stderr
    assert "sealed in memory" not in ran.stderr
    assert ran.stdout
    records = host.place / "home/moved/state/records.jsonl"
    last = json.loads(records.read_text().splitlines()[-1])["artifact"]
    assert (last["sealed"], last["read_only_store"], last["entry"]) == (False, True, "tiny")
    assert last["digests"][0].startswith("tree-sha256:")


def test_what_was_changed_there_is_refused(host: KeptHost) -> None:
    path = host.place / "store" / MODEL.name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = host.check()
    assert (found["read_only_store"], found["entry"]) == (True, None)


def allow_by_list(path: Path) -> None:
    """Give the user the right to write by an access control list, as setfacl would (acl(5))."""
    nobody = 0xFFFFFFFF
    rows = ((1, 4, nobody), (2, 6, USER), (4, 4, nobody), (16, 6, nobody), (32, 4, nobody))
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)
    os.setxattr(path, "system.posix_acl_access", packed)


def nothing(path: Path) -> None:
    pass


OVER = (
    "mkdir /mnt/o; mount -t tmpfs o /mnt/o; mkdir /mnt/o/u /mnt/o/w; mount -t overlay o /mnt/store"
    " -o lowerdir=/mnt/store,upperdir=/mnt/o/u,workdir=/mnt/o/w"
)
AS_ROOT = (
    "cp -r /mnt/home /mnt/roots; chown -R 0:0 /mnt/roots; export LOCALAI_HOME=/mnt/roots/moved"
)
POWER = f"{AS_USER} --inh-caps=+fowner --ambient-caps=+fowner"
LOOP = (
    "truncate -s 8M /mnt/home/image; mkfs.ext4 -q /mnt/home/image; mkdir /mnt/l;"
    " mount -o loop /mnt/home/image /mnt/l || exit 99; cp /mnt/store/* /mnt/l;"
    " rm /mnt/home/image; mount --bind /mnt/l /mnt/store"
)
# A user namespace whose root is not the host's, and in it the same user without capabilities.
MAPPED = """
import os, sys
from localai.sandbox import kernel
come, go = os.pipe(), os.pipe()
child = os.fork()
if not child:
    kernel.check(kernel.libc.unshare(0x10000000), "unshare")
    os.write(come[1], b"x"); os.read(go[0], 1)
    os.setgroups([]); os.setresgid(*3 * [61200]); os.setresuid(*3 * [61200])
    os.execv(sys.argv[1], sys.argv[1:])
os.read(come[0], 1)
for kind in ("uid", "gid"):
    open(f"/proc/{child}/{kind}_map", "w").write("0 0 65000")
os.write(go[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
CONDITIONS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "the user's file": (lambda path: os.chown(path, USER, USER), "", AS_USER),
    "another person's file": (lambda path: os.chown(path, 4711, 4711), "", AS_USER),
    "a group may write": (lambda path: path.chmod(0o464), "", AS_USER),
    "others may write": (lambda path: path.chmod(0o446), "", AS_USER),
    "a list lets the user write": (allow_by_list, "", AS_USER),
    "the user's folder": (lambda path: os.chown(path.parent, USER, USER), "", AS_USER),
    "another person's folder": (lambda path: os.chown(path.parent, 4711, 4711), "", AS_USER),
    "others may write to the folder": (lambda path: path.parent.chmod(0o757), "", AS_USER),
    "a group may write to the folder": (lambda path: path.parent.chmod(0o775), "", AS_USER),
    "others may write to a folder above": (nothing, "chmod 1777 /mnt", AS_USER),
    "another file system": (nothing, OVER, AS_USER),
    "a disk that is a file": (nothing, LOOP, AS_USER),
    "a capability": (nothing, "", POWER),
    "root": (nothing, AS_ROOT, ""),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_each_condition_is_needed(host: KeptHost, condition: str) -> None:
    """Without it the start copies, and is allowed all the same."""
    assert host.check()["read_only_store"]
    spoil, before, how = CONDITIONS[condition]
    spoil(host.place / "store" / MODEL.name)
    found = host.check(before=before, how=how)
    assert (found["sealed"], found["read_only_store"]) == (True, False)
    assert found["entry"] == "tiny"


def test_a_limit_on_file_sizes_stops_copies_alone(host: KeptHost) -> None:
    limited = f"prlimit --fsize=102400 {AS_USER}"
    (host.place / "home/moved/state/records.jsonl").unlink()  # it may be longer by now
    assert host.check(how=limited)["read_only_store"]
    (host.place / "store" / MODEL.name).chmod(0o446)
    found = host.check(how=limited)
    assert (found["sealed"], found["read_only_store"], found["digests"]) == (False, False, [])


def test_root_of_a_namespace_is_nobody(host: KeptHost) -> None:
    program = host.place / "home" / "mapped.py"
    program.write_text(MAPPED)
    found = host.check(how=f"{sys.executable} {HOME}/mapped.py")
    assert (found["sealed"], found["read_only_store"]) == (True, False)


# No namespace can be had, as on hosts that forbid them.
WITHHELD = """
import os, sys
from localai.sandbox import kernel
from localai.sandbox.filters import deny
from localai.sandbox.seccomp import Action, Filter, install
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
install(Filter(Action.ALLOW, deny(["unshare"])))
os.execv(sys.argv[1], sys.argv[1:])
"""
FIRST = str(MODEL.with_name("m-00001-of-00002.gguf"))


@pytest.fixture(scope="module")
def listed(made: KeptHost) -> None:
    """A split set is approved."""
    put_parts(made)
    terms = ("--yes", "--source", "example/split", "--licence", "Apache-2.0")
    made.localai("approve", FIRST, *terms, check=True)


@pytest.fixture
def split(host: KeptHost, listed: None) -> KeptHost:
    put_parts(host)
    return host


def put_parts(host: KeptHost) -> None:
    for number, part in enumerate(maker.make_split(), 1):
        path = host.place / "store" / f"m-0000{number}-of-00002.gguf"
        path.write_bytes(part)
        path.chmod(0o444)


def test_a_split_set_is_loaded_from_where_it_lies(split: KeptHost) -> None:
    """llama.cpp opens its parts by their paths, each of which Landlock then allows."""
    words = ("run", FIRST, "hi", "-n", "4", "--temperature", "0")
    ran = split.localai(*words, check=True)
    assert "and 1 more, read-only store" in ran.stderr
    assert ran.stdout
    (split.place / "home" / "withheld.py").write_text(WITHHELD)
    how = f"{AS_USER} {sys.executable} {HOME}/withheld.py"
    bare = split.localai(*words, how=how, check=True)
    assert "and 1 more, read-only store" in bare.stderr
    assert "without namespaces" not in ran.stderr
    assert "without namespaces" in bare.stderr
    assert bare.stdout == ran.stdout


@pytest.mark.parametrize("number", [1, 2])
def test_each_part_counts(split: KeptHost, number: int) -> None:
    path = split.place / "store" / f"m-0000{number}-of-00002.gguf"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = split.check(Path(FIRST))
    assert (found["read_only_store"], found["entry"]) == (True, None)
    put_parts(split)
    path.chmod(0o446)
    found = split.check(Path(FIRST))
    assert (found["sealed"], found["read_only_store"]) == (True, False)


# localai whose worker is not told which files it will open by path.
UNTOLD = """
import sys
from localai import artifact
artifact.OpenArtifact.kept_parts = ()
from localai.__main__ import main
sys.exit(main())
"""


def test_a_worker_opens_no_file_that_it_was_not_told_of(split: KeptHost) -> None:
    ran = split.call(sys.executable, "-c", UNTOLD, "run", FIRST, "hi", "-n", "4")
    assert (ran.returncode, ran.stdout) == (4, "")
    assert "llama.cpp cannot load the model" in ran.stderr


# localai without the question whose file it is.
BLIND = """
import sys
from localai import artifact
artifact.find_reach = lambda fd: ""
from localai.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("mode", ["0400", "0646"])
def test_the_worker_asks_again(host: KeptHost, mode: str) -> None:
    """A launcher that forgot to ask gives the worker a file that this account may write to."""
    owner = USER if mode == "0400" else 0
    before = f"cp {MODEL} /mnt/mine.gguf; chown {owner} /mnt/mine.gguf; chmod {mode} /mnt/mine.gguf"
    words = ("-c", BLIND, "run", "/mnt/mine.gguf", "hi", "-n", "4")
    ran = host.call(sys.executable, *words, before=before)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert "read-only store" in ran.stderr  # the launcher took it for one
    assert "error: the worker ended" in ran.stderr
    words = ("run", "/mnt/mine.gguf", "hi", "-n", "4")
    assert "sealed in memory" in host.localai(*words, before=before, check=True).stderr


# Every way to change a file, by its name: what is left of it is looked at afterwards.
ATTACKS = """
import ctypes, json, mmap, os, sys
path, home = sys.argv[1], "/mnt/home"
libc = ctypes.CDLL(None, use_errno=True)

def write(at):
    fd = os.open(at, os.O_RDWR)
    os.pwrite(fd, b"changed", 0)

def append(at):
    os.write(os.open(at, os.O_WRONLY | os.O_APPEND), b"changed")

def reopen(at):
    fd = os.open(at, os.O_RDONLY)
    write(f"/proc/self/fd/{fd}")

def map_it(at):
    fd = os.open(at, os.O_RDONLY)
    libc.mmap.restype = ctypes.c_void_p
    found = libc.mmap(None, ctypes.c_size_t(4096), 3, mmap.MAP_SHARED, fd, ctypes.c_long(0))
    if found in (None, ctypes.c_void_p(-1).value):
        fd = os.open(at, os.O_RDWR)
        found = mmap.mmap(fd, 4096)
        found[:7] = b"changed"
        return
    ctypes.memmove(found, b"changed", 7)

def link(at):
    os.link(at, home + "/linked")
    try:
        write(home + "/linked")
    finally:
        os.unlink(home + "/linked")

def own_namespace(at):
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(0x10000000 | 0x20000):
        raise OSError(ctypes.get_errno(), "unshare")
    open("/proc/self/setgroups", "w").write("deny")
    open("/proc/self/uid_map", "w").write(f"0 {uid} 1")
    open("/proc/self/gid_map", "w").write(f"0 {gid} 1")
    os.makedirs(home + "/m", exist_ok=True)
    folder = os.path.dirname(at)
    if libc.mount(folder.encode(), (home + "/m").encode(), None, 4096 | 16384, None):
        raise OSError(ctypes.get_errno(), "mount")
    at = home + "/m/" + os.path.basename(at)
    os.chmod(at, 0o666)
    write(at)

def chown(at):
    os.chown(at, os.getuid(), os.getgid())
    os.chmod(at, 0o666)
    write(at)

ways = dict(write=write, append=append, reopen=reopen, map=map_it, link=link, chown=chown,
            truncate=lambda at: os.truncate(at, 5), namespace=own_namespace,
            replace=lambda at: os.replace(home + "/mine", at))
said = {}
for name, way in ways.items():
    if not os.path.exists(home + "/mine"):
        open(home + "/mine", "w").write("changed")
    before = open(path, "rb").read()
    child = os.fork()
    if not child:
        try:
            way(path)
        except OSError:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    said[name] = open(path, "rb").read() != before
    if said[name]:
        os.unlink(path)
        open(path, "wb").write(before)
print(json.dumps(said))
"""


def test_the_same_user_cannot_change_it(host: KeptHost) -> None:
    """And every one of these ways does change a file of their own."""
    own = f"{HOME}/own.gguf"
    before = f"cp {MODEL} {own}; chown {USER}:{USER} {own}; chmod 600 {own}"
    control = host.python(ATTACKS, own, before=before)
    assert set(control.values()) == {True}, control
    assert set(host.python(ATTACKS, str(MODEL)).values()) == {False}
