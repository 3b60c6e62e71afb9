"""Only families that are loaded are asked for, and vsock only where it stays on this machine."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localai.egress.families import open_families, read_protocols
from localai.egress.probes.families import find_loaded, sweep
from localai.egress.sinks import Sinks

HEAD = "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh"
NONCE = b"5ec7e75"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Sinks]:
    sinks = Sinks(tmp_path, os.urandom(3).hex(), private=False)
    yield sinks
    sinks.close()


def test_only_what_is_loaded_is_asked_for() -> None:
    assert find_loaded(f"{HEAD}\nUNIX 1 2\nALG 1 2\nNOBODY-KNOWS 1 2\n") == "1:2:0 38:5:0"
    assert find_loaded(f"{HEAD}\n") == find_loaded("") == ""


def test_every_host_has_some() -> None:
    assert "1:1:0" in find_loaded(read_protocols()).split()


def test_a_socket_of_any_family_tells(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sweep({"families": "0:1:0 1:1:0", "pipe": writer}, NONCE)  # 0, AF_UNSPEC, is none
    assert os.read(reader, 64) == NONCE + b"\n"


@pytest.mark.parametrize("families", ["", "0:1:0"])
def test_without_a_socket_nothing_is_told(pipe: tuple[int, int], families: str) -> None:
    reader, writer = pipe
    with pytest.raises(OSError) as raised:
        sweep({"families": families, "pipe": writer}, NONCE)
    assert raised.value.errno == errno.EAFNOSUPPORT
    with pytest.raises(BlockingIOError):
        os.read(reader, 64)


def test_what_is_not_loaded_is_not_asked_for(sinks: Sinks) -> None:
    open_families(sinks, f"{HEAD}\nUNIX 1 2\n", 0, private=True)
    assert "not loaded" in sinks.unsafe["vsock"]
    assert "not loaded" in sinks.unsafe["xdp"]
    assert "vsock" not in sinks.targets


def test_a_vsock_that_could_leave_is_unsafe(sinks: Sinks) -> None:
    protocols = read_protocols()
    if "AF_VSOCK" not in protocols:
        pytest.skip("this kernel has not loaded vsock")
    open_families(sinks, protocols, 0, private=True)
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as local:
        try:
            local.bind((1, 2**32 - 1))
            has_loopback = True
        except OSError:
            has_loopback = False
    assert ("vsock" in sinks.targets) == has_loopback
    assert ("vsock" in sinks.unsafe) != has_loopback


def test_the_hosts_own_device_is_left_alone(sinks: Sinks) -> None:
    loaded = f"{HEAD}\nXDP 1 2\n"
    open_families(sinks, loaded, 0, private=False)
    assert "network namespace" in sinks.unsafe["xdp"]
    del sinks.unsafe["xdp"]
    open_families(sinks, loaded, 0, private=True)
    assert "xdp" not in sinks.unsafe


def test_families_that_cannot_be_seen_are_unsafe(sinks: Sinks, tmp_path: Path) -> None:
    open_families(sinks, read_protocols(tmp_path / "missing"), 0, private=True)
    assert "families" in sinks.unsafe
