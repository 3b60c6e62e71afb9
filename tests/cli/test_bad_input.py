"""Files that must not run: each gets one message with its remedy and its exit code, and nothing
was started, changed or left behind."""

from __future__ import annotations

import os
import pickle
import socket
import struct
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from home import LOCALAI, TERMS, Home

import gguf_maker as maker

pytestmark = pytest.mark.usefixtures("subreaper")

OTHER = maker.make_model(seed=2)  # a model of the same size that nobody approved
GREEDY = ("-n", "8", "--temperature", "0")


def torch_zip(path: Path, _: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"weight": [1.0] * 9}))


def old_torch(path: Path, _: bytes) -> None:
    """Before PyTorch 1.6: pickles one after another, of which the first is a magic number."""
    with path.open("wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(part, file, protocol=2)


def safetensors(path: Path, _: bytes) -> None:
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))


def listen(path: Path, _: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # a whole path may be too long for an address


def link(path: Path, content: bytes) -> None:
    path.with_name("blob").write_bytes(content)
    path.symlink_to("blob")


def unreadable(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root reads every file")


Make = Callable[[Path, bytes], object]
CONVERT = "look for a .gguf file of the same model"
AGAIN = "download the file again"
PICKLE = "which can run code when opened"

# the flaw: the name, how to make it, what approve exits with, the message, the remedy
FILES: dict[str, tuple[str, Make, int, str, str]] = {
    "missing": ("m.gguf", lambda _path, _content: None, 4, "No such file", "check the name"),
    "empty": ("m.gguf", lambda p, _: p.touch(), 4, "m.gguf is empty", AGAIN),
    "cut to 23 bytes": ("m.gguf", lambda p, c: p.write_bytes(c[:23]), 3, "23 bytes", AGAIN),
    "cut in the header": ("m.gguf", lambda p, c: p.write_bytes(c[:2000]), 3, "truncated", AGAIN),
    "cut in the data": ("m.gguf", lambda p, c: p.write_bytes(c[:-9000]), 3, "truncated", AGAIN),
    "last byte missing": ("m.gguf", lambda p, c: p.write_bytes(c[:-1]), 3, "truncated", AGAIN),
    "text": ("m.gguf", lambda p, _: p.write_bytes(b"hello\n" * 9), 3, "not a GGUF file", CONVERT),
    "web page": ("m.gguf", lambda p, _: p.write_bytes(b"<!DOCTYPE html><p>Sign in"), 3,
                 "a web page: the download went wrong", CONVERT),
    "pointer": ("m.gguf", lambda p, _: p.write_bytes(b"version https://lfs.example/v1\n"), 3,
                "a Git LFS pointer", CONVERT),
    "pt": ("m.pt", torch_zip, 3, f"as PyTorch checkpoints do, {PICKLE}", CONVERT),
    "pickle": ("m.pkl", lambda p, _: p.write_bytes(pickle.dumps([*range(99)])), 3,
               f"a Python pickle, {PICKLE}", CONVERT),
    "bin": ("pytorch_model.bin", old_torch, 3, f"a Python pickle, {PICKLE}", CONVERT),
    "pickle called gguf": ("m.gguf", old_torch, 3, f"a Python pickle, {PICKLE}", CONVERT),
    "safetensors": ("m.safetensors", safetensors, 3, "without vocabulary and template", CONVERT),
    "directory": ("m.gguf", lambda p, _: p.mkdir(), 4, "is a directory", "name the file itself"),
    "FIFO": ("m.gguf", lambda p, _: os.mkfifo(p), 4, "is a named pipe", "name the file itself"),
    "socket": ("m.gguf", listen, 4, "No such device or address", "name the file itself"),
    "device": ("/dev/zero", lambda _path, _content: None, 4, "is a device", "name the file itself"),
    "terminal": ("/dev/tty", lambda _path, _content: None, 4, "/dev/tty", "name the file itself"),
    "link": ("m.gguf", link, 4, "is a link; only the file itself", "use "),
    "link to nothing": ("m.gguf", lambda p, _: p.symlink_to("no"), 4, "link; there is no", AGAIN),
    "link to itself": ("m.gguf", lambda p, _: p.symlink_to("m.gguf"), 4, "there is no", AGAIN),
    "below a link to itself": ("l/m.gguf", lambda p, _: p.parent.symlink_to("l"), 4, "Too many",
                               "check the"),
    "below a file": ("f/m.gguf", lambda p, _: p.parent.touch(), 4, "Not a directory", "check the"),
    "name too long": ("m" * 300, lambda _path, _content: None, 4, "too long", "check the name"),
    "unreadable": ("m.gguf", unreadable, 4, "Permission denied", "ask for the right to read it"),
}  # fmt: skip


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("flaw", FILES)
def test_a_file_that_is_no_model(home: Home, work: Path, flaw: str, tiny_bytes: bytes) -> None:
    name, make, code, problem, remedy = FILES[flaw]
    make(work / name, tiny_bytes)
    (record,) = home.refuses("run", name, "hi", code=3, problem=problem, remedy=remedy, cwd=work)
    assert (record["event"], record["decision"]) == ("run", "refuse")
    asked = ("approve", name, *TERMS)
    assert home.refuses(*asked, code=code, problem=problem, remedy=remedy, cwd=work) == []
    assert home.refuses("verify", name, code=3, problem="", remedy="  do ", cwd=work) == []


NAMES = {
    "not UTF-8": (b"caf\xe9.gguf", "is not UTF-8"),
    "escape sequence": (b"\x1b[31mred.gguf", "cannot be seen"),
    "line end": (b"two\nlines.gguf", "cannot be seen"),
    "reversed": ("fugg\u202e.gguf".encode(), "cannot be seen"),
    "colon": (b"a:b.gguf", "holds one of"),
}


@pytest.mark.parametrize("flaw", NAMES)
def test_a_name_that_no_manifest_may_hold(
    home: Home, work: Path, flaw: str, tiny_bytes: bytes
) -> None:
    """It cannot be approved, and never meets the terminal as it is; approved bytes run under it."""
    name, problem = NAMES[flaw]
    (work / os.fsdecode(name)).write_bytes(tiny_bytes)
    asked = ("approve", os.fsdecode(name), *TERMS)
    home.refuses(*asked, code=4, problem=problem, remedy="rename the file", cwd=work)
    ran = home.call("run", os.fsdecode(name), "hi", *GREEDY, check=True, cwd=work)
    assert b"renamed: approved as tiny.gguf" in b" ".join(ran.stderr.split())
    assert not {*b"\x1b\r"} & {*ran.stderr}


def test_a_file_that_calls_itself_what_no_manifest_may_hold(home: Home, work: Path) -> None:
    (work / "m.gguf").write_bytes(named("x" * 4000))
    asked = ("approve", "m.gguf", *TERMS)
    home.refuses(*asked, code=4, problem="what the file calls itself", remedy="--name", cwd=work)
    home.copy(work).call(*asked, "--name", "Red", check=True, cwd=work)


def test_a_name_that_deceives_the_eye(home: Home, work: Path) -> None:
    (work / "m.gguf").write_bytes(named("red\u202efug"))
    asked = ("approve", "m.gguf", *TERMS, "--name", "Red")
    home.refuses(*asked, code=3, problem="'general.name: red\\u202efug'", remedy="do", cwd=work)


def named(name: str) -> bytes:
    """A model that calls itself this."""
    parts = maker.model_parts(seed=31)
    before, after = (
        maker.entry("general.name", maker.STRING, text) for text in ("Tiny Test", name)
    )
    assert before in parts.entries
    entries = tuple(after if entry == before else entry for entry in parts.entries)
    return parts._replace(entries=entries).bytes()


def test_a_host_that_is_not_set_up_and_nobody_to_ask(
    environ: dict[str, str], tiny_model: Path
) -> None:
    """The hint names a command that has the option."""
    command = (*LOCALAI, "approve", str(tiny_model), *TERMS)
    for remedy in ("localai setup --label LABEL", "localai setup --unencrypted-key"):
        ran = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert ran.returncode == 2
        assert remedy in ran.stderr.decode()
        subprocess.run([*LOCALAI, "env", "set", "sandbox"], env=environ, check=True)


def flips() -> dict[str, int]:
    """A place in every section of the tiny model."""
    whole = maker.make_model()
    data = len(whole) - len(maker.model_parts().data)
    name = whole.index(b"blk.0.attn_q")
    found = {"magic": 0, "version": 4, "tensor count": 8, "entry count": 16, "first key": 24}
    found |= {"vocabulary": whole.index(b"<0x41>") + 3, "template": whole.index(b"{% for") + 3}
    found |= {"tensor name": name, "tensor shape": name + len("blk.0.attn_q.weight") + 4}
    found |= {"first number": data, "middle": (data + len(whole)) // 2, "last byte": len(whole) - 1}
    return found


@pytest.mark.parametrize("place", flips())
def test_one_flipped_bit(home: Home, work: Path, place: str, tiny_bytes: bytes) -> None:
    content = bytearray(tiny_bytes)
    content[flips()[place]] ^= 1
    (work / "tiny.gguf").write_bytes(content)
    (record,) = home.refuses(
        "run", "tiny.gguf", "hi", cwd=work, code=3,
        problem="not what tiny lists", remedy="get it again from example/tiny",
    )  # fmt: skip
    assert record["artifact"]["entry"] is None


@contextmanager
def meanwhile(change: Callable[[int], None]) -> Iterator[None]:
    """Call ``change`` with 0, 1, 2... in a thread until the end."""
    ended = threading.Event()

    def work() -> None:
        turn = 0
        while not ended.wait(0.0005):
            change(turn)
            turn += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def overwrite(path: Path, content: bytes) -> None:
    """In place and in pieces: in between the file is half of each."""
    with path.open("r+b") as file:
        for at in range(0, len(content), 1 << 14):
            file.seek(at)
            file.write(content[at : at + (1 << 14)])
            file.flush()


def replace(path: Path, content: bytes) -> None:
    path.with_name("new").write_bytes(content)
    path.with_name("new").replace(path)


def truncate(path: Path, content: bytes) -> None:
    path.write_bytes(content)  # for a moment it is empty


@pytest.fixture(scope="module")
def answers(home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """What the approved model says, and what the other one says where that is approved."""
    place = tmp_path_factory.mktemp("other")
    (place / "tiny.gguf").write_bytes(OTHER)
    other = Home(place, place / "tiny.gguf")
    return home.run("hi", *GREEDY).stdout, other.run("hi", *GREEDY).stdout


@pytest.mark.parametrize("change", [overwrite, replace, truncate])
def test_a_file_that_changes_all_the_time(
    home: Home,
    work: Path,
    change: Callable[[Path, bytes], None],
    answers: tuple[bytes, bytes],
    tiny_bytes: bytes,
) -> None:
    """Refused, or exactly what was approved runs: never anything else."""
    assert answers[0] != answers[1]
    assert len(OTHER) == len(tiny_bytes)
    path = work / "tiny.gguf"
    path.write_bytes(tiny_bytes)
    with meanwhile(lambda turn: change(path, (tiny_bytes, OTHER)[turn // 8 % 2])):
        for _ in range(5):
            ran = home.call("run", str(path), "hi", *GREEDY)
            assert (ran.returncode, ran.stdout) in [(0, answers[0]), (3, b"")], ran.stderr.decode()
            assert b"Traceback" not in ran.stderr
