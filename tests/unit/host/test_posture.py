"""The whole posture of a machine made of files, one thing spoiled at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import ANY, HEAD, LISTEN, Machine, row

from localai.findings import Finding, Verdict
from localai.host.checks import CHECKS, HIDDEN
from localai.host.posture import Look, look_at_posture
from localai.host.switches import TELEMETRY_SWITCHES

PASS, NOTE, UNKNOWN = Verdict.PASS, Verdict.NOTE, Verdict.NOT_CHECKED


@pytest.fixture
def sound(machine: Machine) -> Machine:
    """Nothing is wrong with it: its disk is encrypted, too."""
    device = machine.home.stat().st_dev
    machine.write(
        f"sys/dev/block/{os.major(device)}:{os.minor(device)}/dm/uuid", "CRYPT-LUKS2-root"
    )
    return machine


def ask(look: Look) -> dict[str, Finding]:
    return {finding.check: finding for finding in look_at_posture(look)}


def test_a_sound_machine(sound: Machine) -> None:
    found = ask(sound.look(**TELEMETRY_SWITCHES))
    assert tuple(found) == tuple(check for check in CHECKS if check in found)
    assert set(CHECKS) - set(found) == {"host-windows", "host-targets"}
    assert {finding.verdict for finding in found.values()} == {PASS}


def unlink(name: str) -> Callable[[Machine], Path]:
    def spoil(machine: Machine) -> Path:
        (machine.root / name).unlink()
        return machine.home

    return spoil


SPOILED: list[tuple[str, Callable[[Machine], object], Verdict, str]] = [
    (
        "host-listening",
        lambda m: m.write("proc/net/tcp", HEAD + row(f"{ANY}:0016", f"{ANY}:0000", LISTEN, 3)),
        NOTE,
        "tcp 0.0.0.0:22",
    ),
    ("host-listening", unlink("proc/net/tcp"), UNKNOWN, "proc/net/tcp"),
    ("host-connections", lambda m: m.run(9, "dropbox", environ=None), UNKNOWN, "dropbox"),
    ("host-tools", lambda m: m.run(9, "ollama"), NOTE, "OLLAMA_NO_CLOUD=1"),
    ("host-tools", lambda m: m.run(9, "jan"), UNKNOWN, "Jan"),
    ("host-folders", lambda m: m.write("home/pat/.stfolder", ""), NOTE, ".stfolder"),
    ("host-folders", unlink("proc/self/mountinfo"), UNKNOWN, "mountinfo"),
    ("host-paths", lambda m: m.home.chmod(0o777), NOTE, "chmod o-w"),
    (
        "host-core-dumps",
        lambda m: m.write("proc/sys/kernel/core_pattern", "|/bin/taker %p\n"),
        NOTE,
        "taken by /bin/taker",
    ),
    ("host-core-dumps", unlink("proc/sys/kernel/core_pattern"), UNKNOWN, "core_pattern"),
    ("host-swap", lambda m: m.write("proc/swaps", "Filename\n/gone file 1 0 -2\n"), NOTE, "/gone"),
    ("host-swap", unlink("proc/swaps"), UNKNOWN, "swaps"),
    (
        "host-tracing",
        lambda m: m.write("proc/sys/kernel/yama/ptrace_scope", "0\n"),
        NOTE,
        "ptrace_scope=1",
    ),
    ("host-tracing", unlink("proc/sys/kernel/yama/ptrace_scope"), NOTE, "no Yama"),
]


@pytest.mark.parametrize(
    ("check", "spoil", "verdict", "said"), SPOILED, ids=[f"{row[0]}-{row[3]}" for row in SPOILED]
)
def test_one_thing_at_a_time(
    sound: Machine, check: str, spoil: Callable[[Machine], object], verdict: Verdict, said: str
) -> None:
    spoil(sound)
    finding = ask(sound.look(**TELEMETRY_SWITCHES))[check]
    assert finding.verdict is verdict
    assert said in f"{finding.evidence} {finding.remedy}"


def test_switches(sound: Machine) -> None:
    finding = ask(sound.look())["host-switches"]
    assert finding.verdict is NOTE
    assert finding.summary.startswith(f"{len(TELEMETRY_SWITCHES)} of ")
    one = ask(sound.look(**{**TELEMETRY_SWITCHES, "HF_HUB_OFFLINE": "0"}))["host-switches"]
    assert one.verdict is NOTE and "HF_HUB_OFFLINE" in one.evidence


def test_root(sound: Machine) -> None:
    assert ask(sound.look(uid=0))["host-account"].verdict is NOTE


def test_the_disk(machine: Machine) -> None:
    assert ask(machine.look())["host-disk"].verdict is UNKNOWN
    device = machine.home.stat().st_dev
    node = machine.root / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}"
    node.mkdir(parents=True)
    assert ask(machine.look())["host-disk"].verdict is NOTE


def test_a_file_system_of_its_own_number_lies_where_its_mount_says(machine: Machine) -> None:
    """As btrfs has it: no such block device, so the source of the mount is looked at."""
    device = Path("/dev/null").stat().st_rdev
    machine.write(f"sys/dev/block/{os.major(device)}:{os.minor(device)}/dm/uuid", "CRYPT-LUKS2-a")
    root = machine.home.stat().st_dev
    machine.write("proc/self/mountinfo", "22 1 0:1 / / rw - btrfs /dev/null rw\n")
    expected = PASS if os.major(root) == 0 else UNKNOWN
    assert ask(machine.look())["host-disk"].verdict is expected


@pytest.mark.parametrize("release", ["5.15.167.4-microsoft-standard-WSL2", "4.4.0-19041-Microsoft"])
def test_inside_windows_every_row_says_which_half_it_saw(sound: Machine, release: str) -> None:
    sound.write("proc/sys/kernel/osrelease", f"{release}\n")
    found = ask(sound.look())
    assert all("Linux side only" in finding.evidence for finding in found.values())
    assert found["host-windows"].verdict is UNKNOWN
    assert "Get-NetTCPConnection" in found["host-windows"].remedy


def test_what_may_be_hidden_are_questions() -> None:
    assert set(CHECKS) > HIDDEN


def test_this_machine() -> None:
    """The real one: every question is answered, and nothing is sent or asked."""
    look = Look({}, os.getuid(), Path.home(), {"working directory": Path.cwd()})
    assert set(ask(look)) <= set(CHECKS)
