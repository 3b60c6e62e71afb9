"""What is said to a service has the form that the service reads, and the nonce in it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from localai.egress.probes import dbus, names, services
from localai.egress.probes.services import SERVICES
from localai.egress.services import open_services
from localai.egress.sinks import Sinks
from localai.egress.standins import StandIns

NONCE = b"5ec7e75"
METHOD = dbus.Method(b"org.example.D", b"/org/example/P", b"org.example.I", b"Member")
LOCAL = [probe for probe in (*services.PROBES, *names.PROBES) if probe.sink in SERVICES]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Sinks, StandIns]]:
    standins = StandIns(tmp_path, [], mounts=False)
    sinks = Sinks(tmp_path, os.urandom(3).hex(), private=False)
    open_services(sinks, standins)
    yield sinks, standins
    sinks.close()


def test_every_service_has_a_probe() -> None:
    assert {probe.sink for probe in LOCAL} == set(SERVICES)


def test_what_is_said_arrives(opened: tuple[Sinks, StandIns]) -> None:
    sinks, standins = opened
    for number, probe in enumerate(LOCAL):
        nonce = b"%07x" % (0x1000000 + number)
        probe.attempt(sinks.targets[probe.sink], nonce)
        assert nonce in sinks.drain(), probe.name
    assert standins.by_class == set(SERVICES)


def test_a_service_that_does_not_listen_hears_nothing(opened: tuple[Sinks, StandIns]) -> None:
    sinks, _ = opened
    path = str(sinks.targets["docker"]["path"])
    Path(path).unlink()
    probe = next(probe for probe in LOCAL if probe.name == "docker")
    with pytest.raises(FileNotFoundError):
        probe.attempt({"path": path}, NONCE)
    assert NONCE not in sinks.drain()


def test_paths_fit_into_an_address() -> None:
    longest = max(SERVICES.values(), key=lambda service: len(service.path))
    assert len(longest.path.format(uid=2**32 - 1)) < 108  # sun_path in unix(7)


def test_a_dbus_call_is_as_long_as_it_says() -> None:
    body = dbus.string(b"hello")
    said = dbus.call(METHOD, b"s", body)
    login, _, message = said.partition(b"BEGIN\r\n")
    assert login.startswith(b"\0AUTH EXTERNAL ")
    order, kind, _, version, size, serial, fields = struct.unpack_from("=cBBBIII", message)
    assert (order, kind, version, serial) == (b"l", 1, 1, 1)
    start = 16 + fields + -(16 + fields) % 8
    assert message[start:] == body
    assert size == len(body) == 4 + len(b"hello\0") + 2
    found, at = {}, 16
    while at < 16 + fields:
        at += -at % 8
        code, one, signature = struct.unpack_from("=BB2s", message, at)
        assert one == 1
        if signature == b"g\0":
            length, at = message[at + 4], at + 5
        else:
            length, at = struct.unpack_from("=I", message, at + 4)[0], at + 8
        found[code] = message[at : at + length]
        at += length + 1
    assert found == {1: METHOD.path, 2: METHOD.interface, 3: METHOD.member,
                     6: METHOD.destination, 8: b"s"}  # fmt: skip
