"""``localai fetch`` as a person meets it: asked at a terminal, refused by an administrator, broken
off, and on a full disk."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import administered
import pexpect
import pytest
from home import LOCALAI, in_full_file_system, wait_for_processes

import hub as hubs

FETCH = (*LOCALAI, "fetch")
FILE = "hf:example/tiny/tiny.gguf"
POLICY = "schema: localai.policy/1\nname: agency\nofficer: Security office\n"


@pytest.fixture
def other(tiny_bytes: bytes) -> Iterator[hubs.Hub]:
    """A further host that has the files."""
    with hubs.running({"tiny.gguf": tiny_bytes}) as other:
        yield other


def run(environ: dict[str, str], *arguments: str, wrap: tuple[str, ...] = ()) -> tuple[int, str]:
    """The exit code, and all that was printed."""
    done = subprocess.run(
        [*wrap, *FETCH, *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def held(environ: dict[str, str]) -> list[str]:
    store = Path(environ["LOCALAI_HOME"]) / "state" / "store"
    return sorted(str(path.relative_to(store)) for path in store.glob("*/*") if path.is_dir())


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_person_is_asked(
    environ: dict[str, str], hub: hubs.Hub, other: hubs.Hub, answer: str
) -> None:
    """For the hub, for the file, and for the host that the files come from; each once."""
    hub.files_at = other.url
    chat = pexpect.spawn(
        FETCH[0], [*FETCH[1:], "hf:example/tiny"], env=environ, encoding="utf-8", timeout=60,
        echo=False, dimensions=(24, 200),
    )  # fmt: skip
    try:
        chat.expect("which hub")
        chat.sendline(hub.url)
        chat.expect("which one")
        chat.sendline("1")
        chat.expect("sends its files from")
        assert other.seen == []
        chat.sendline(answer)
        chat.expect(pexpect.EOF)
        chat.wait()
    finally:
        chat.close(force=True)
    policy = (Path(environ["LOCALAI_HOME"]) / "config" / "policy.yaml").read_text()
    if answer == "no":
        assert chat.exitstatus == 3
        assert held(environ) == ["incoming/fetch.tiny"] and other.seen == []
        assert other.url not in policy
        return
    assert chat.exitstatus == 0
    assert held(environ) == ["quarantine/tiny"]
    assert f"      - {other.url}\n" in policy
    assert run(environ, "hf:example/tiny/tiny.gguf", "--id", "again")[0] == 0


def test_nobody_is_asked_for_another_host(
    environ: dict[str, str], hub: hubs.Hub, other: hubs.Hub
) -> None:
    """Without a terminal it is refused, and said how it is allowed."""
    hub.files_at = other.url
    code, said = run(environ, FILE, "--hub", hub.url)
    assert code == 3 and other.url in said and "--host" in said
    assert other.seen == [] and held(environ) == ["incoming/fetch.tiny"]
    code, said = run(environ, FILE, "--host", other.url)
    assert code == 0, said


def test_a_token_in_the_environment(
    environ: dict[str, str], hub: hubs.Hub, other: hubs.Hub
) -> None:
    """It goes to the hub, and to nobody else."""
    hub.files_at = other.url
    environ |= {"HF_TOKEN": "hf_secret"}
    code, said = run(environ, FILE, "--hub", hub.url, "--host", other.url)
    assert code == 0 and "hf_secret" not in said
    assert {one.headers.get("authorization") for one in hub.seen} == {"Bearer hf_secret"}
    assert other.seen and "hf_secret" not in repr(other.seen)
    hub.seen.clear()
    environ |= {"HF_ENDPOINT": other.url}
    code, said = run(environ, FILE, "--hub", hub.url, "--id", "again")
    assert code == 0, said
    assert hub.seen and "hf_secret" not in repr(hub.seen)


def test_what_is_no_token_is_not_shown(environ: dict[str, str], hub: hubs.Hub) -> None:
    code, said = run({**environ, "HF_TOKEN": "hf\nsecret"}, FILE, "--hub", hub.url)
    assert code == 2 and "secret" not in said and not hub.seen


@pytest.fixture
def agency(tmp_path: Path) -> tuple[str, ...]:
    wrap = administered.wrap(tmp_path)
    if why := administered.find_obstacle(wrap):
        pytest.skip(f"fetching on an administered host was not tested: {why}")
    return wrap


@pytest.mark.parametrize(
    ("hubs_said", "arguments", "why"),
    [
        ("", (), "no staging host"),
        ("", ("--hub", "{hub}"), "no staging host"),
        ("hubs: []\n", ("--hub", "{hub}"), "no staging host"),
        ("hubs: [{url: 'https://127.0.0.1:1'}]\n", ("--hub", "{hub}"), "another hub"),
        ("hubs: [{url: '{hub}'}]\n", ("--host", "https://files.example"), "another host"),
        ("hubs: [{url: '{hub}'}]\n", (), ""),
    ],
)
def test_an_administrators_word_counts(
    environ: dict[str, str],
    tmp_path: Path,
    hub: hubs.Hub,
    agency: tuple[str, ...],
    hubs_said: str,
    arguments: tuple[str, ...],
    why: str,
) -> None:
    """A user's own policy and options add nothing to it."""
    (tmp_path / "rules" / "policy.yaml").write_text(POLICY + hubs_said.replace("{hub}", hub.url))
    own = tmp_path / ".config" / "localai" / "policy.yaml"
    own.parent.mkdir(parents=True)
    listed = f"[{{url: '{hub.url}'}}, {{url: 'https://127.0.0.1:1'}}]"
    own.write_text(f"schema: localai.policy/1\nname: own\nhubs: {listed}\n")
    del environ["LOCALAI_HOME"]
    told = [one.replace("{hub}", hub.url) for one in arguments]
    code, said = run({**environ, "COLUMNS": "300"}, FILE, *told, wrap=agency)
    assert (code, why in said) == (3 if why else 0, True), said
    assert bool(hub.seen) is not bool(why)
    assert not why or "ask Security office" in said


def test_what_is_broken_off(environ: dict[str, str], hub: hubs.Hub) -> None:
    """A kill in the middle of it: gc leaves alone what arrives, and clears what was left; the next
    command goes on; and neither leaves a process behind."""
    hub.files["tiny.gguf"] = bytes(1 << 20)
    hub.faults |= {"cut": 1, "cut at": 300_000, "stay": True}
    place = Path(environ["LOCALAI_HOME"]) / "state/store/incoming/fetch.tiny"
    with subprocess.Popen(
        [*FETCH, FILE, "--hub", hub.url], env=environ, stderr=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + 60
        while not [part for part in place.glob("*.part") if part.stat().st_size >= 262_144]:
            assert time.monotonic() < until, "nothing arrived"
            time.sleep(0.05)
        cleared = subprocess.run([*LOCALAI, "store", "gc"], env=environ, capture_output=True)
        assert b"under way: fetch.tiny" in cleared.stderr
        process.send_signal(signal.SIGKILL)
    hub.faults.clear()
    there = [part.stat().st_size for part in place.glob("*.part")]
    code, said = run(environ, FILE, "--hub", hub.url)
    assert code == 0, said
    ranges = [one.headers["range"] for one in hub.seen if "range" in one.headers]
    assert ranges == [f"bytes={max(there)}-"]
    assert held(environ) == ["quarantine/tiny"]
    assert wait_for_processes() == []


# Room enough is seen where there is none.
BLIND = """
import sys
from localai.store import arrival
arrival.RESERVE = -1 << 40
from localai.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("blind", [False, True], ids=["before", "on the way"])
def test_a_full_disk(environ: dict[str, str], hub: hubs.Hub, blind: bool) -> None:
    """It is seen before anything comes; and if it happens on the way, nothing half-done stays."""
    state = Path(environ["LOCALAI_HOME"]) / "state"
    assert run(environ, "hf:example/tiny/none.gguf", "--hub", hub.url)[0] == 2
    state.mkdir(exist_ok=True)
    hub.seen.clear()
    command = [sys.executable, "-c", BLIND] if blind else [*LOCALAI]
    done = subprocess.run(
        [*in_full_file_system(state), *command, "fetch", FILE],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=90,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == 4, said
    assert ("No space left on device" if blind else "not enough room") in said
    assert [one.path for one in hub.seen if one.method == "HEAD"] == [] or blind
