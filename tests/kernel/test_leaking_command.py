"""``localai selftest`` where something really gets out, or cannot be checked: every place that a
result goes to says so, and none says that it passed."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import fromstring

import pytest
from mutants import Mutant, Mutants, Workshop

from localai.findings import Verdict
from localai.selftests.history import newest

# Escape sequences get out then, whatever else this host grants.
LEAK = (Mutant("terminal.py", "return _UNSAFE.sub(_spell, text)", "return text"),)
_CALL = "        learned = probe.attempt(target, nonce.encode())\n"


def misbehaving(how: str) -> Mutant:
    """``udp4`` does something else instead, in the control and in the worker."""
    instead = f"        if probe.name == 'udp4':\n            {how}\n{_CALL}"
    return Mutant("egress/probes/__init__.py", _CALL, instead)


UNCHECKED = {
    "a probe that fails": (misbehaving("raise RuntimeError"),),
    "a probe that crashes": (misbehaving("__import__('os').abort()"),),
    "a probe that never returns": (misbehaving("__import__('time').sleep(10_000)"),),
    "a worker that ends before it is locked": (
        Mutant("worker/__main__.py", "    confine.lock(spec)\n", "    1 / 0\n"),
    ),
}


class Said(NamedTuple):
    """What one self-test said at each place."""

    code: int
    document: dict[str, object]
    kept: Verdict | None
    success: float
    failures: int
    errors: int
    log: list[str]


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # a worker of root's has another account
        yield Workshop(Path(directory))


def selftest(workshop: Workshop, mutants: Mutants, place: Path) -> Said:
    environ = {
        "LOCALAI_HOME": str(place / "home"),
        "LOCALAI_ENVIRONMENT": "sandbox",
        "HOME": str(place),
        "PATH": os.environ["PATH"],
    }
    files = ["--junit", str(place / "j.xml"), "--prometheus", str(place / "p.prom")]
    log = ["--syslog", "--syslog-socket", str(place / "log")]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system_log:
        system_log.bind(str(place / "log"))
        system_log.setblocking(False)
        command = ["-m", "localai", "selftest", "--json", *files, *log]
        done = workshop.run(mutants, lambda _: command, environ)
        announced = [system_log.recv(8192).decode() for _ in range(2)]
    assert done.stdout, done.stderr
    result = newest(place / "home" / "state" / "selftests.jsonl")
    worker = fromstring((place / "j.xml").read_bytes())[0].attrib
    metrics = (place / "p.prom").read_text().splitlines()
    success = next(line for line in metrics if line.startswith("localai_selftest_success "))
    return Said(
        done.returncode,
        json.loads(done.stdout),
        result.verdict if result else None,
        float(success.split()[1]),
        int(worker["failures"]),
        int(worker["errors"]),
        announced,
    )


def test_whole_it_passes(workshop: Workshop, tmp_path: Path) -> None:
    """So that what the others say means something."""
    said = selftest(workshop, (), tmp_path)
    assert (said.code, said.document["verdict"], said.kept) == (0, "pass", Verdict.PASS)
    assert (said.success, said.failures, said.errors) == (1, 0, 0)
    assert 'verdict="pass"' in said.log[1] and said.log[1].startswith("<86>1 ")


def test_what_gets_out_is_said_everywhere(workshop: Workshop, tmp_path: Path) -> None:
    said = selftest(workshop, LEAK, tmp_path)
    assert (said.code, said.document["verdict"], said.kept) == (3, "fail", Verdict.FAIL)
    assert said.document["exit_code"] == 3
    assert said.success == 0 and said.failures > 0
    assert 'verdict="fail"' in said.log[1] and said.log[1].startswith("<82>1 ")


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_was_not_checked_is_said_everywhere(
    workshop: Workshop, tmp_path: Path, name: str
) -> None:
    said = selftest(workshop, UNCHECKED[name], tmp_path)
    assert (said.code, said.document["verdict"]) == (4, "not-checked")
    assert said.kept is Verdict.NOT_CHECKED and said.document["exit_code"] == 4
    assert said.success == 0 and said.errors > 0
    assert 'verdict="not-checked"' in said.log[1] and said.log[1].startswith("<84>1 ")
