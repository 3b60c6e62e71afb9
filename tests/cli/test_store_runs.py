"""Models in the store and real starts: what waits does not run, and what runs can be removed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from home import LOCALAI, SHORT, Home

from bring import bring
from localai.store.held import find_held, list_held
from localai.store.state import State
from localai.store.steps import move


@pytest.fixture
def store(moved: Home) -> Path:
    """A store with the approved model in quarantine."""
    store = moved.directory / "state" / "store"
    bring(store, "tiny", ("tiny.gguf", moved.model.read_bytes()))
    return store


# The same program without the question where the file lies.
BLIND = """
import sys
from localai import artifact
from localai.store.state import Place
artifact.find_place = lambda *_: Place()
from localai.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("state", [State.QUARANTINE, State.PROPOSED])
def test_nothing_runs_from_where_it_waits(moved: Home, store: Path, state: State) -> None:
    """A signed entry has exactly these bytes, and the very same file runs from anywhere else."""
    held = move(store, find_held(store, "tiny"), state)
    (moved.place / "aside").symlink_to(held.directory)
    summary = {State.QUARANTINE: "in quarantine", State.PROPOSED: "only proposed"}[state]
    for path in ("tiny", str(held.paths[0]), "aside/tiny.gguf"):
        records = moved.refuses(
            "run", path, *SHORT, code=3, problem=summary, remedy="localai store promote tiny"
        )
        (record,) = records
        assert record["decision"] == "refuse"
    blind = subprocess.run(
        [sys.executable, "-c", BLIND, "check", str(held.paths[0])],
        env=moved.environ,
        cwd=moved.place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert blind.returncode == 0, blind.stdout + blind.stderr


def test_it_runs_by_its_name(moved: Home, store: Path) -> None:
    assert moved.call("store", "promote", "tiny").returncode == 0
    ran = moved.call("run", "tiny", *SHORT)
    assert ran.returncode == 0, ran.stderr
    assert moved.records()[-1]["artifact"]["path"] == str(find_held(store, "tiny").paths[0])


def test_a_model_that_runs_can_be_removed(moved: Home, store: Path) -> None:
    assert moved.call("store", "promote", "tiny").returncode == 0
    chat = pexpect.spawn(
        LOCALAI[0],
        [*LOCALAI[1:], "run", "tiny", "-n", "4"],
        env=moved.environ,
        cwd=str(moved.place),
        encoding="utf-8",
        timeout=30,
        echo=False,
    )
    try:
        chat.expect("AI-generated text")
        chat.expect("> ")
        assert b"removed: tiny" in moved.call("store", "remove", "tiny", check=True).stdout
        assert list_held(store) == ()
        for _ in range(2):
            chat.sendline("hi")
            chat.expect("> ")
        chat.sendline("/stats")
        chat.expect(r"\d+ tokens")
        chat.sendline("/exit")
        chat.expect(pexpect.EOF)
        chat.wait()
        assert chat.exitstatus == 0
    finally:
        chat.close(force=True)
    ran = moved.call("run", "tiny", *SHORT)
    assert ran.returncode == 3
    assert b"check the name" in ran.stderr
