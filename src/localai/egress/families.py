"""The sinks of further socket families: which of them this kernel has, and a vsock of our own."""

from __future__ import annotations

import socket
from pathlib import Path

from localai.egress.probes.families import AF_XDP, find_loaded
from localai.egress.sinks import Sinks

PROTOCOLS = Path("/proc/net/protocols")
_CID_LOCAL, _PORT_ANY = 1, 2**32 - 1


def read_protocols(path: Path = PROTOCOLS) -> str:
    """What protocols this kernel has; "" where that cannot be seen."""
    try:
        return path.read_text("ascii")
    except OSError:  # a /proc that shows processes only
        return ""


def open_families(sinks: Sinks, protocols: str, pipe: int, *, private: bool) -> None:
    """``protocols`` is what ``read_protocols`` read, ``pipe`` the one that is lent to probes."""
    loaded = find_loaded(protocols)
    numbers = {int(entry.partition(":")[0]) for entry in loaded.split()}
    sinks.targets["families"] = {"families": loaded, "pipe": pipe}
    if not loaded:
        sinks.unsafe["families"] = "it cannot be seen which are loaded"
    sinks.targets["xdp"] = {"interface": "lo"}
    if not private:  # it would take a queue of the host's own device
        sinks.unsafe["xdp"] = "no network namespace of our own"
    for name, number in (("vsock", socket.AF_VSOCK), ("xdp", AF_XDP)):
        if number not in numbers:
            sinks.unsafe[name] = "the kernel has not loaded it"
    if "vsock" not in sinks.unsafe:
        _open_vsock(sinks)


def _open_vsock(sinks: Sinks) -> None:
    sink = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    try:
        sink.bind((_CID_LOCAL, _PORT_ANY))
    except OSError:  # without a loopback of its own what is sent there goes to the hypervisor
        sink.close()
        sinks.unsafe["vsock"] = "no loopback for it: it would reach the host"
        return
    sink.listen(8)
    sinks.watch(sink)
    sinks.targets["vsock"] = {"cid": _CID_LOCAL, "port": sink.getsockname()[1]}
