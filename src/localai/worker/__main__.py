"""The worker's life: confine, show it, be probed, and only then load and answer.

Started by the launcher with fixed descriptors (``spawn``). Nothing of the model is within reach
before ``go``.
"""

from __future__ import annotations

import array
import fcntl
import gc
import os
import signal
import socket
import stat
from datetime import date
from typing import Any

from localai.egress import probes
from localai.errors import LocalAIError, WorkerError
from localai.sandbox import confine, kernel
from localai.sandbox.spec import SandboxSpec
from localai.worker.descriptors import HANDOFF, KEPT, REPLIES, REQUESTS
from localai.worker.protocol import read_frame, write_frame


def main() -> None:
    """Be a worker until the launcher closes the request pipe. An error of ours ends it with the
    message alone on its stderr, for the launcher to tell."""
    try:
        _live()
    except LocalAIError as error:
        raise SystemExit(error.message) from error


def _live() -> None:
    gc.disable()  # imports make no garbage
    kernel.show_as("localai-worker")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it as a cancelled request
    import localai.worker.template  # noqa: F401 - slow, and the launcher gets ready meanwhile

    spec = SandboxSpec.from_frame(_expect("confine")["spec"])
    handoff = socket.socket(fileno=HANDOFF)
    root = confine.leave(spec)
    if child := os.fork():  # a process id namespace begins with a child
        handoff.send(str(child).encode())
        os._exit(0)
    os.setsid()
    evidence = confine.first(spec, root)
    probes.prepare()
    # After the first filter: native code is loaded.
    from localai.worker import engine, script, service

    evidence |= confine.second(spec, root, KEPT)
    write_frame(REPLIES, {"op": "confined"})
    _expect("hide")  # the launcher has looked, and nobody else shall
    # The parent is the launcher by now: the process above that only forked has been waited for.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.hide()
    write_frame(REPLIES, {"op": "hidden"})
    lent = _receive_descriptors(handoff)
    confine.seal(spec)
    evidence["sockets"] = _count_sockets()
    write_frame(REPLIES, {"op": "sealed", "evidence": evidence, "environment": dict(os.environ)})
    models = _be_probed(lent, spec)
    go = _expect("go", "script")
    _check_models(models, go["sizes"], go["inodes"])
    gc.freeze()  # what was imported stays: looking through it would hold the first answer up
    gc.enable()
    if go["op"] == "script":
        script.run(models[0], go["name"])
    else:
        options, today = engine.EngineOptions(**go["options"]), date.fromisoformat(go["today"])
        service.run(models, options, today, REQUESTS, REPLIES)


def _expect(*operations: str) -> dict[str, Any]:
    frame = read_frame(REQUESTS)
    if frame is None:
        raise SystemExit(0)  # the launcher refused, or is gone
    if frame.get("op") not in operations:
        raise WorkerError(f"{frame.get('op')!r} came where {operations} was expected")
    return dict(frame)


def _receive_descriptors(handoff: socket.socket) -> list[int]:
    """What the launcher lends and hands over (SCM_RIGHTS in unix(7)), then no socket is left."""
    size = array.array("i").itemsize
    data, ancillary, _, _ = handoff.recvmsg(16, socket.CMSG_SPACE(64 * size))
    handoff.close()
    received = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            received.frombytes(content[: len(content) - len(content) % size])
    if data != b"descriptors" or not received:
        raise WorkerError("the launcher handed no descriptors over")
    return list(received)


def _count_sockets() -> int:
    """How many sockets this process holds; /proc is out of its reach by now."""
    found = 0
    for descriptor in range(64):
        try:
            found += stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        except OSError:
            continue  # not open
    return found


def _be_probed(lent: list[int], spec: SandboxSpec) -> list[int]:
    """Try every probe that the launcher names, give the instruments up, and be locked.

    The first of ``lent`` are the instruments, as many as ``probe`` says. Returns the others.
    """
    asked = _expect("probe")
    targets = asked["targets"]
    for names, descriptor in zip(asked["instruments"], lent, strict=False):
        for sink, field in names:
            targets[sink] = {**targets[sink], field: descriptor}
    for name in asked["probes"]:
        probe = probes.BY_NAME[name]
        tried = probes.attempt(probe, targets[probe.sink], asked["nonces"][name])
        write_frame(REPLIES, {"op": "attempt", "name": name, "said": tried._asdict()})
    count = len(asked["instruments"])
    for descriptor in lent[:count]:
        os.close(descriptor)
    confine.lock(spec)
    write_frame(REPLIES, {"op": "probed"})
    return lent[count:]


def _check_models(models: list[int], sizes: list[int], inodes: list[list[int] | None]) -> None:
    """The files are the ones that the launcher measured: their sizes agree and nobody can write."""
    found = [os.fstat(descriptor).st_size for descriptor in models]
    kept = [
        _is_sealed(descriptor) if inode is None else _is_kept(descriptor, inode)
        for descriptor, inode in zip(models, inodes, strict=True)
    ]
    if found != sizes or not all(kept):
        raise WorkerError(f"the model's files are not as measured: {found} bytes, {kept}")


def _is_sealed(descriptor: int) -> bool:
    everything = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    return fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & everything == everything


def _is_kept(descriptor: int, inode: list[int]) -> bool:
    """Whether it is this file, open for reading only, and this account may not write to it: as
    much of ``custody`` as can be seen from here."""
    found = os.fstat(descriptor)
    return (
        stat.S_ISREG(found.st_mode)
        and [found.st_dev, found.st_ino] == inode
        and found.st_uid != os.getuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    )
