"""Whose hands a file is in. What the kernel shows of mounts, disks and accounts is written down for
machines that this one is not; the file is a real one of root's."""

from __future__ import annotations

import codecs
import mmap
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localai.custody import find_reach, find_weakness, is_being_written

FILE = Path(os.path.realpath("/usr/bin/env"))
DEVICE = FILE.stat().st_dev
NUMBER = f"{os.major(DEVICE)}:{os.minor(DEVICE)}"
ORDINARY = 61200


class Machine:
    """What /proc, /sys and /dev are on another machine, whose file systems are this one's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("proc/self", "proc/sys/kernel", "sys/dev/block", "dev"):
            (root / folder).mkdir(parents=True)
        self.write("proc/self/uid_map", "         0          0 4294967295\n")
        self.write("proc/sys/kernel/osrelease", "6.1.0-32-amd64\n")
        self.mount("rw,relatime", "ext4")
        self.disk = self.add_disk("pci0000:00/virtio1/block/vda")
        self.lie_on(self.disk)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def mount(self, options: str, kind: str, number: str = NUMBER) -> None:
        with (self.root / "proc/self/mountinfo").open("a") as file:
            file.write(f"27 1 {number} / /place {options} shared:1 - {kind} /dev/vda rw\n")

    def mount_anew(self, options: str, kind: str) -> None:
        (self.root / "proc/self/mountinfo").unlink()
        self.mount(options, kind)

    def plug(self, place: str, said: str) -> Path:
        """A disk in something that says of itself that it can be taken away, or not."""
        disk = self.add_disk(place)
        (disk.parents[2] / "removable").write_text(said)
        return disk

    def add_nvme(self, place: str, transport: str) -> Path:
        disk = self.add_disk(f"{place}/nvme0n1")
        (disk / "device").symlink_to(disk.parent)
        controller = disk.parent / ("nvme0" if "subsystem" in place else "")
        controller.mkdir(exist_ok=True)
        (controller / "transport").write_text(transport)
        return disk

    def add_disk(self, place: str, removable: str = "0\n") -> Path:
        disk = self.root / "sys/devices" / place
        disk.mkdir(parents=True)
        (disk / "removable").write_text(removable)
        node = self.root / "dev" / disk.name
        node.touch()
        node.chmod(0o444)
        return disk

    def lie_on(self, disk: Path) -> None:
        link = self.root / "sys/dev/block" / NUMBER
        link.unlink(missing_ok=True)
        link.symlink_to(disk)

    def lie_on_mapper(self, below: Path) -> None:
        mapper = self.add_disk("virtual/block/dm-0")
        (mapper / "slaves").mkdir()
        (mapper / "slaves" / below.name).symlink_to(below)
        self.lie_on(mapper)

    def lie_on_part(self, disk: Path) -> None:
        part = disk / f"{disk.name}1"
        part.mkdir()
        (part / "partition").write_text("1\n")
        self.lie_on(part)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if os.major(DEVICE) == 0:
        pytest.skip(f"{FILE} lies on no disk here: disks were not tested")
    return Machine(tmp_path)


@pytest.fixture
def fd() -> Iterator[int]:
    folders = [folder.lstat() for folder in FILE.parents]
    if FILE.stat().st_uid or any(one.st_uid or one.st_mode & 0o022 for one in folders):
        pytest.skip(f"{FILE} is not in root's hands here")
    fd = os.open(FILE, os.O_RDONLY | os.O_CLOEXEC)
    yield fd
    os.close(fd)


def as_ordinary_user(work: Callable[[], None]) -> None:
    for codec in ("ascii", "utf-8"):
        codecs.lookup(codec)  # imports a module, which another account might not be able to read
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setresgid(ORDINARY, ORDINARY, ORDINARY)
                os.setresuid(ORDINARY, ORDINARY, ORDINARY)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def open_to_all(path: Path) -> None:
    """Let another account look at what lies in a test's own folder."""
    for folder in path.parents:
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)


def ask(fd: int, machine: Machine, wanted: str) -> None:
    open_to_all(machine.root / "proc")

    def work() -> None:
        found = find_reach(fd, machine.root)
        assert found.startswith(wanted) if wanted else found == "", found

    as_ordinary_user(work)


def test_a_file_of_roots_on_a_disk(fd: int, machine: Machine) -> None:
    ask(fd, machine, "")
    machine.lie_on_mapper(machine.disk)
    ask(fd, machine, "")


SPOILS: dict[str, Callable[[Machine], object]] = {
    "its file system is nfs4": lambda m: m.mount_anew("rw", "nfs4"),
    "its file system is fuse.sshfs": lambda m: m.mount_anew("rw", "fuse.sshfs"),
    "its file system is overlay": lambda m: m.mount_anew("rw", "overlay"),
    "its file system is btrfs": lambda m: m.mount("rw", "btrfs"),
    "its owners are mapped at /place": lambda m: m.mount("rw,idmapped", "ext4"),
    "its file system is mounted nowhere": lambda m: m.write("proc/self/mountinfo", ""),
    "its disk is loop7": lambda m: m.lie_on(m.add_disk("virtual/block/loop7")),
    "its disk is nbd0": lambda m: m.lie_on_mapper(m.add_disk("virtual/block/nbd0")),
    "its disk is loop3": lambda m: m.lie_on_part(m.add_disk("virtual/block/loop3")),
    "its disk sdb1 can be": lambda m: m.lie_on_part(m.add_disk("pci0/usb1/1-1/block/sdb")),
    "its disk sdc can be": lambda m: m.lie_on(m.add_disk("pci0/ata1/block/sdc", "1\n")),
    "its disk is mmcblk0": lambda m: m.lie_on(m.add_disk("pci0/mmc_host/mmc0/block/mmcblk0")),
    "its disk is etherd!e0.0": lambda m: m.lie_on(m.add_disk("virtual/block/etherd!e0.0")),
    "its disk nvme0n1 can be": lambda m: m.lie_on(m.plug("pci0/nvme/nvme0/nvme0n1", "removable\n")),
    "its disk sdd lies": lambda m: m.lie_on(m.add_disk("platform/host1/session1/block/sdd")),
    "its disk sde lies": lambda m: m.lie_on(m.add_disk("pci0/host2/rport-2:0-0/block/sde")),
    "its disk nvme0n1 lies": lambda m: m.lie_on(m.add_nvme("virtual/nvme-fabrics/nvme0", "tcp\n")),
    "its disk nvme0n1 lies behind": lambda m: m.lie_on(
        m.add_nvme("virtual/nvme-subsystem/nvme-subsys0", "rdma\n")
    ),
    "it cannot be told": lambda m: m.lie_on(m.root / "gone"),
    "this account may write to the disk vda": lambda m: (m.root / "dev/vda").chmod(0o666),
    "in a user namespace": lambda m: m.write("proc/self/uid_map", "0 100000 65536\n"),
    "Windows": lambda m: m.write("proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2"),
}


@pytest.mark.parametrize("wanted", SPOILS)
def test_machines_on_which_it_is_copied(fd: int, machine: Machine, wanted: str) -> None:
    SPOILS[wanted](machine)
    ask(fd, machine, wanted)


def test_disks_that_stay(fd: int, machine: Machine) -> None:
    machine.lie_on(machine.plug("pci0/ata1/block/sda", "fixed\n"))
    ask(fd, machine, "")
    machine.lie_on(machine.add_nvme("virtual/nvme-subsystem/nvme-subsys0", "pcie\n"))
    ask(fd, machine, "")


@pytest.mark.parametrize("gap", ["\u00a0", "\u2003", "\x1c"])
@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c", "\r"])
def test_a_mount_whose_name_is_a_line(fd: int, machine: Machine, gap: str, end: str) -> None:
    """Whoever may mount FUSE chooses its name; the kernel escapes spaces and line feeds only."""
    name = gap.join(("/home/x", "rw", "-", "ext4")) + end
    with (machine.root / "proc/self/mountinfo").open("w", newline="") as file:
        file.write(f"27 1 {NUMBER} / {name} rw,nosuid - fuse.any any rw\n")
    ask(fd, machine, "its file system is fuse.any")


def test_no_name_of_a_mount_breaks_it(fd: int, machine: Machine) -> None:
    machine.mount("rw", "fuse.any", "0:99 / /home/x\u2028y\u2028z")
    ask(fd, machine, "")


def test_mounts_of_other_file_systems_do_not_count(fd: int, machine: Machine) -> None:
    machine.mount("rw,idmapped", "nfs4", "0:99")
    ask(fd, machine, "")


def test_one_s_own_file_is_seen_at_once(tmp_path: Path) -> None:
    path = tmp_path / "own"
    path.touch()
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    assert find_reach(fd, tmp_path / "nowhere") == "this account may write to it"
    os.close(fd)


def test_a_file_that_was_moved_or_removed(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("a file of root's that is removed takes root")
    path = tmp_path / "file"
    path.write_bytes(b"x")
    open_to_all(path)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    path.unlink()

    def work() -> None:
        assert find_reach(fd)

    as_ordinary_user(work)
    os.close(fd)


def test_folders_above(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o775)
    said = find_weakness(tmp_path / "a" / "b" / "not-yet", os.getuid())
    assert said  # /tmp itself, or a
    assert "others may write to" in said or "belongs to uid" in said


def test_whoever_writes_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(4096))
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert not is_being_written(fd)
        with path.open("r+b") as writer:
            assert is_being_written(fd)
            held = mmap.mmap(writer.fileno(), 4096)
        assert is_being_written(fd)  # closed, and mapped
        held.close()
        assert not is_being_written(fd)
        assert not is_being_written(fd)  # nothing was left behind
        path.open("r+b").close()  # waits for no lease
    finally:
        os.close(fd)
