"""The launcher's side: what it makes of a process that does not do its errand."""

from __future__ import annotations

import os
import sys

import pytest

from localai.errors import HubError
from localai.fetch.bring import look
from localai.fetch.courier import Courier, make_environment
from localai.fetch.errand import Errand, Piece, read_errand, write_errand
from localai.findings import Finding
from localai.hubs import Hub
from localai.reference import Reference

ERRAND = Errand("https://hub.example", ("https://hub.example",), "example/tiny", False, "main")


def courier(script: str, patience_s: float = 20) -> Courier:
    command = (sys.executable, "-I", "-c", f"import json, os, sys, time\n{script}")
    return Courier(make_environment({}), lambda *_: None, patience_s, command)


def test_an_errand_reads_back() -> None:
    errand = ERRAND._replace(token="t", pieces=(Piece("a.gguf", 1, "d", "/p"),), pauses_s=(0.5,))
    assert read_errand(write_errand(errand)) == errand


def test_the_last_message_counts_and_progress_is_told() -> None:
    told: list[int] = []
    script = """for said in ({"done": 3}, {"done": 9}, {"brought": 1}):
        print(json.dumps(said), flush=True)
time.sleep(60)"""
    assert courier(script).run(ERRAND, told.append) == {"brought": "1"}
    assert told == [3, 9]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("print('no JSON')", "without an answer: no JSON"),
        ("raise SystemExit(3)", "without an answer"),
        ("os.kill(os.getpid(), 9)", "without an answer"),
        ("print('{\"a\": ')", "cannot be read"),
        ("print('{\"a\\u202e\": 1}')", "cannot be read"),
        ("os.write(1, b'{' * (17 << 20))", "without an answer"),
    ],
)
def test_no_answer(script: str, said: str) -> None:
    with pytest.raises(HubError, match=said):
        courier(script).run(ERRAND)


def test_the_library_is_not_there() -> None:
    with pytest.raises(HubError) as caught:
        courier("import no_such_library").run(ERRAND)
    assert "localai[fetch]" in caught.value.hint


def test_it_is_not_waited_for_for_ever() -> None:
    """Whatever else it prints: only bytes that come are progress. The process ends, too."""
    script = """print(os.getpid(), flush=True)
print(json.dumps({"done": 5}), flush=True)
while True:
    time.sleep(0.1)
    print("still here", json.dumps({"done": 5}), flush=True)
    print(json.dumps({"done": 5}), flush=True)"""
    pids: list[int] = []
    began = courier(script, 3)
    with pytest.raises(HubError, match="too slow"):
        began.run(ERRAND, lambda _: pids.append(0))
    assert pids


def test_an_interruption_ends_the_process() -> None:
    script = 'print(json.dumps({"done": os.getpid()}), flush=True)\ntime.sleep(60)'
    pids: list[int] = []

    def interrupt(pid: int) -> None:
        pids.append(pid)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        courier(script).run(ERRAND, interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


LISTING = {
    "revision": "a" * 40,
    "publisher": "example",
    "gated": False,
    "bases": [],
    "files": [{"path": "a.gguf", "size": 1, "digest": "b" * 64}],
}
FILE = LISTING["files"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("changed", "asked", "said"),
    [
        ({}, "main", ""),
        ({}, "a" * 40, ""),
        ({}, "c" * 40, "another revision"),
        ({"revision": "main"}, "main", "revision"),
        ({"files": [{**FILE, "digest": "../../../away"}]}, "main", "digest"),
        ({"files": [{**FILE, "digest": "B" * 64}]}, "main", "digest"),
        ({"files": [{**FILE, "path": "../a.gguf"}]}, "main", "path"),
    ],
)
def test_what_it_says_is_not_believed(changed: dict[str, object], asked: str, said: str) -> None:
    """A digest names a file here: a process that somebody took over could lead it elsewhere."""
    script = f"print(json.dumps({{'listing': {{**{LISTING!r}, **{changed!r}}}}}))"
    reference = Reference("example/tiny", "", asked)
    try:
        found = look(courier(script), Hub("https://hub.example"), reference, "")
    except HubError as error:
        assert said and said in error.message
    else:
        assert (found.summary if isinstance(found, Finding) else "") == said
