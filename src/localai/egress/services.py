"""The sinks of the services: a socket of ours at every path where one of them would listen."""

from __future__ import annotations

import os
import socket

from localai.egress.probes.services import SERVICES
from localai.egress.sinks import Sinks
from localai.egress.standins import StandIns


def open_services(sinks: Sinks, standins: StandIns) -> None:
    """Have them all listen. Those whose path cannot be had listen at one of our own."""
    for name, service in SERVICES.items():
        sink = socket.socket(socket.AF_UNIX, service.kind)
        path = standins.make(name, service.path.format(uid=os.getuid()), sink.bind)
        if service.kind is socket.SOCK_STREAM:
            sink.listen(8)
        sinks.watch(sink)
        sinks.targets[name] = {"path": path}
