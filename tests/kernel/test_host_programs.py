"""A program of ours under a sync client's name, connected in a network of its own, is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localai.findings import Verdict
from localai.host.connections import connected, listening
from localai.host.programs import Program, read_programs
from localai.host.tools import SWITCHES

Start = Callable[[str, str], list[Program]]
CLIENT = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)  # PR_SET_NAME
listener = socket.create_server(("0.0.0.0", 4433))
near = socket.create_connection((sys.argv[2], 4433))
far, _ = listener.accept()
print("ready", flush=True)
sys.stdin.read()
"""
NETWORK = 'ip link set lo up; ip address add 10.77.0.1/32 dev lo; exec "$@"'


@pytest.fixture
def start() -> Iterator[Start]:
    """Start such a program; it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str, address: str) -> list[Program]:
        own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
        command = [*own, "sh", "-ec", NETWORK, "sh", sys.executable, "-c", CLIENT, name, address]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "SECRET": "x", "OLLAMA_NO_CLOUD": "1"},
        )
        started.append(process)
        assert process.stdout and process.stderr
        if process.stdout.readline() != "ready\n":
            pytest.skip(f"no network namespace can be had here: {process.stderr.read().strip()}")
        return [one for one in read_programs(Path("/proc"), SWITCHES) if one.pid == process.pid]

    yield start
    for process in started:
        process.communicate()


def test_a_connection_in_a_network_of_its_own_is_seen(start: Start) -> None:
    (program,) = programs = start("syncthing", "10.77.0.1")
    assert program.name == "syncthing"
    found = connected(programs)
    assert found.verdict is Verdict.NOTE
    assert "syncthing to tcp 10.77.0.1:4433" in found.evidence
    accepts = listening(Path("/proc/self/net"), programs)
    assert "tcp 0.0.0.0:4433 (syncthing)" in accepts.evidence


def test_a_connection_over_loopback_is_none(start: Start) -> None:
    assert connected(start("syncthing", "127.0.0.1")).verdict is Verdict.PASS


def test_the_same_under_another_name_is_not_looked_at(start: Start) -> None:
    assert start("syncthingy", "10.77.0.1") == []


def test_only_switches_are_kept_of_its_environment(start: Start) -> None:
    (program,) = start("ollama", "10.77.0.1")
    assert program.environ == {"OLLAMA_NO_CLOUD": "1"}
