"""What means something elsewhere is aimed at in a network of our own only."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from inside import do_inside

from localai.egress.neighbours import open_neighbours
from localai.egress.probes import names, neighbours
from localai.egress.sinks import Sinks

NETWORK = ("mdns6", "llmnr", "llmnr6", "ssdp", "ssdp6", "metadata6", "stub")
PROBES = [probe for probe in (*neighbours.PROBES, *names.PROBES) if probe.sink in NETWORK]


def test_elsewhere_they_are_unsafe(tmp_path: Path) -> None:
    sinks = Sinks(tmp_path, os.urandom(3).hex(), private=False)
    open_neighbours(sinks, private=False)
    sinks.close()
    assert set(NETWORK) <= set(sinks.unsafe)
    assert not set(NETWORK) & set(sinks.targets)


def test_in_a_network_of_our_own_they_arrive(tmp_path: Path) -> None:
    (tmp_path / "laboratory").mkdir()

    def work() -> dict[str, bool]:
        sinks = Sinks(tmp_path, os.urandom(3).hex(), private=True)
        open_neighbours(sinks, private=True)
        for number, probe in enumerate(PROBES):
            with suppress(OSError):  # without IPv6
                probe.attempt(sinks.targets[probe.sink], b"%07x" % (0x1000000 + number))
        received = sinks.drain()
        sinks.close()
        return {probe.name: b"%07x" % (0x1000000 + number) in received
                for number, probe in enumerate(PROBES)}  # fmt: skip

    arrived = do_inside(tmp_path / "laboratory", "net", work)
    without_ipv6 = not Path("/proc/net/if_inet6").exists()
    expected = {probe.name: not (without_ipv6 and "6" in probe.name) for probe in PROBES}
    assert arrived == expected
    assert len(PROBES) == len(NETWORK)
