"""Folders that leave the machine: by what is mounted, by what a client left, by their names."""

from __future__ import annotations

import json

import pytest
from machine import Machine

from localai.host.folders import find_shared, is_network, read_mounts


def ask(machine: Machine, name: str) -> list[str]:
    mounts = read_mounts(machine.root / "proc")
    return [one.by for one in find_shared("work", machine.home / name, mounts, machine.home)]


def mount(machine: Machine, *lines: tuple[str, str, str]) -> None:
    text = "".join(
        f"{number} 1 0:{number} / {point} rw,relatime shared:1 - {kind} {source} rw\n"
        for number, (point, kind, source) in enumerate(lines)
    )
    machine.write("proc/self/mountinfo", text)


def test_a_local_folder(machine: Machine) -> None:
    assert ask(machine, "work") == []


@pytest.mark.parametrize(
    ("kind", "leaves"),
    [
        ("nfs4", True),
        ("cifs", True),
        ("9p", True),
        ("fuse.sshfs", True),
        ("fuse.rclone", True),
        ("fuse", True),
        ("ext4", False),
        ("btrfs", False),
        ("tmpfs", False),
        ("fuseblk", False),
        ("fuse.gocryptfs", False),
    ],
)
def test_the_type_of_the_file_system_decides(kind: str, leaves: bool) -> None:
    assert is_network(kind) is leaves


def test_the_nearest_mount_counts(machine: Machine) -> None:
    mount(machine, ("/", "nfs4", "server:/root"), (str(machine.home), "ext4", "/dev/sda1"))
    assert ask(machine, "work") == []
    mount(machine, ("/", "ext4", "/dev/sda1"), (str(machine.home), "nfs4", "server:/home"))
    assert ask(machine, "work") == ["nfs4 from server:/home"]


def test_the_last_mount_on_a_place_counts(machine: Machine) -> None:
    home = str(machine.home)
    mount(machine, (home, "ext4", "/dev/sda1"), (home, "cifs", "//server/share"))
    assert ask(machine, "work") == ["cifs from //server/share"]


def test_a_mount_point_with_a_space(machine: Machine) -> None:
    (machine.home / "my work").mkdir()
    mount(machine, (str(machine.home / "my\\040work"), "nfs", "server:/a\\040b"))
    assert ask(machine, "my work") == ["nfs from server:/a b"]


def test_a_link_is_followed(machine: Machine) -> None:
    mount(machine, (str(machine.home / "far"), "nfs", "server:/far"))
    (machine.home / "far/models").mkdir(parents=True)
    (machine.home / "models").symlink_to(machine.home / "far/models")
    assert ask(machine, "models") == ["nfs from server:/far"]


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Agency", "Nextcloud", "MEGA"])
def test_a_clients_folder_by_its_name(machine: Machine, name: str) -> None:
    (machine.home / name / "models").mkdir(parents=True)
    (by,) = ask(machine, f"{name}/models")
    assert by == f"kept in step by {name.partition(' ')[0]}"
    assert ask(machine, "models") == []


@pytest.mark.parametrize("mark", [".stfolder", "._sync_0a1b.db", ".sync_0a1b.db", ".dropbox.cache"])
def test_a_clients_folder_by_what_it_left(machine: Machine, mark: str) -> None:
    (machine.home / "shared/models").mkdir(parents=True)
    assert ask(machine, "shared/models") == []
    (machine.home / "shared" / mark).touch()
    assert ask(machine, "shared/models") == [f"kept in step by a client that left {mark}"]


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"personal": {}}', '{"personal": 3}', "3"])
def test_dropbox_says_where_its_folder_is(machine: Machine, text: str) -> None:
    said = json.dumps({"personal": {"path": str(machine.home / "elsewhere")}})
    machine.write("home/pat/.dropbox/info.json", said)
    assert ask(machine, "elsewhere/models") == ["kept in step by Dropbox"]
    machine.write("home/pat/.dropbox/info.json", text)
    assert ask(machine, "elsewhere/models") == []


def test_links_in_a_circle_end(machine: Machine) -> None:
    (machine.home / "a").symlink_to("b")
    (machine.home / "b").symlink_to("a")
    assert ask(machine, "a") == []


def test_a_mount_whose_name_is_a_line(machine: Machine) -> None:
    """The kernel escapes spaces and line feeds in names, and nothing else that parts lines."""
    name = "w\u00a0x\u2028y"
    mount(machine, ("/", "ext4", "/dev/sda1"), (str(machine.home / name), "nfs4", "server:/b"))
    assert ask(machine, name) == ["nfs4 from server:/b"]
    assert ask(machine, "w") == []
