"""The endpoint baseline: each answer, and that what cannot be told is told apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from machine import Machine

from localai.host.baseline import (
    find_core_dumps,
    is_encrypted,
    open_to_others,
    trace_scope,
    unprotected_swap,
)

DISK = os.makedev(253, 0)


def block(machine: Machine, name: str, *, uuid: str = "", on: tuple[str, ...] = ()) -> None:
    """A block device as /sys/dev/block shows it."""
    place = machine.root / "sys/dev/block" / name
    (place / "slaves").mkdir(parents=True)
    if uuid:
        machine.write(f"sys/dev/block/{name}/dm/uuid", uuid)
    for below in on:
        (place / "slaves" / below.replace(":", "-")).symlink_to(place.parent / below)


@pytest.mark.parametrize(
    ("uuid", "answer"),
    [("CRYPT-LUKS2-0a1b-root", True), ("LVM-abc", False), ("", False), ("NOCRYPT-", False)],
)
def test_a_device_by_what_it_says(machine: Machine, uuid: str, answer: bool) -> None:
    block(machine, "253:0", uuid=uuid)
    assert is_encrypted(DISK, machine.sys) is answer


def test_a_volume_is_encrypted_if_all_below_it_is(machine: Machine) -> None:
    block(machine, "253:1", uuid="CRYPT-LUKS2-a")
    block(machine, "253:2", uuid="CRYPT-LUKS2-b")
    block(machine, "8:1")
    block(machine, "253:0", uuid="LVM-x", on=("253:1", "253:2"))
    assert is_encrypted(DISK, machine.sys) is True
    block(machine, "253:3", uuid="LVM-x", on=("253:1", "8:1"))
    assert is_encrypted(os.makedev(253, 3), machine.sys) is False


def test_devices_in_a_circle_end(machine: Machine) -> None:
    block(machine, "253:0", on=("253:1",))
    block(machine, "253:1", on=("253:0",))
    assert is_encrypted(DISK, machine.sys) is False


def test_what_the_kernel_does_not_show_cannot_be_told(machine: Machine) -> None:
    assert is_encrypted(DISK, machine.sys) is None


def test_swap(machine: Machine) -> None:
    def ask(*areas: str) -> tuple[str, ...]:
        head = "Filename Type Size Used Priority\n"
        machine.write("proc/swaps", head + "".join(f"{area} file 1 0 -2\n" for area in areas))
        return unprotected_swap(machine.proc, machine.sys)

    file = str(machine.write("swapfile", ""))
    assert ask() == ()
    assert ask("/dev/zram0") == ()
    assert ask(file) == (file,)
    assert ask("/gone", "/dev/zram0") == ("/gone",)
    device = Path(file).stat().st_dev
    block(machine, f"{os.major(device)}:{os.minor(device)}", uuid="CRYPT-LUKS2-a")
    assert ask(file) == ()


@pytest.mark.parametrize(
    ("pattern", "limit", "said"),
    [
        ("core", "0", ""),
        ("", "unlimited", ""),
        ("core", "unlimited", "written to core, at most unlimited bytes"),
        (
            "|/lib/systemd-coredump %P",
            "0",
            "taken by /lib/systemd-coredump",
        ),
    ],
)
def test_core_dumps(machine: Machine, pattern: str, limit: str, said: str) -> None:
    machine.write("proc/sys/kernel/core_pattern", f"{pattern}\n")
    machine.write("proc/self/limits", f"Max core file size        {limit}    unlimited   bytes\n")
    assert find_core_dumps(machine.proc) == said


def test_tracing(machine: Machine) -> None:
    assert trace_scope(machine.proc) == 1
    machine.write("proc/sys/kernel/yama/ptrace_scope", "0\n").unlink()
    assert trace_scope(machine.proc) is None


def test_what_others_may_write(tmp_path: Path) -> None:
    above, place = tmp_path / "above", tmp_path / "above/place"
    place.mkdir(parents=True)
    assert list(open_to_others([place])) == []
    above.chmod(0o777)
    assert list(open_to_others([place])) == [f"{above} (mode 0777)"]
    above.chmod(0o1777)  # as /tmp
    assert list(open_to_others([place])) == []
    (place / "file").touch()
    (place / "file").chmod(0o666)
    assert list(open_to_others([place / "file"])) == [f"{place}/file (mode 0666)"]
    assert list(open_to_others([place / "not/yet"])) == []
