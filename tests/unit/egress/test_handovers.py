"""What is handed over arrives, and nothing that is handed over holds the sink up."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from localai.egress.drops import Drops
from localai.egress.handovers import Keyring, Reception
from localai.egress.probes.handed import pass_descriptor
from localai.egress.probes.ipc import keyring
from localai.egress.probes.locks import lock_files, lock_range
from localai.egress.probes.probe import Target
from localai.sandbox import kernel

NONCE, OTHER = b"5ec7e75", b"0the12e"


def in_child(work: Callable[[], object]) -> None:
    """Have ``work`` done by another process, which is gone afterwards."""
    assert os.waitpid(kernel.fork(work), 0)[1] == 0


def test_what_a_passed_descriptor_holds_arrives(tmp_path: Path) -> None:
    reception = Reception(tmp_path)
    assert reception.drain() == b""
    in_child(lambda: pass_descriptor(reception.target(), NONCE))
    assert NONCE in reception.drain()


def test_descriptors_that_never_end_or_hold_nothing_hold_nobody_up(tmp_path: Path) -> None:
    reception = Reception(tmp_path)
    silent, writer = os.pipe()
    endless, path = (os.open(p, flags) for p, flags in (("/dev/zero", os.O_RDONLY),
                                                        (tmp_path, os.O_PATH)))  # fmt: skip
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(str(reception.target()["path"]))
        socket.send_fds(out, [OTHER], [silent, endless, path])
    assert OTHER in reception.drain()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    for descriptor in (silent, writer, endless, path):
        os.close(descriptor)


def test_keys_of_others_arrive() -> None:
    ring = Keyring()
    try:
        keyring(ring.target(), OTHER)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.ENOSYS):
            raise
        pytest.skip("this host lets nobody have keys")
    in_child(lambda: keyring(ring.target(), NONCE))
    seen = ring.drain()
    assert NONCE in seen
    assert OTHER in seen


@pytest.mark.parametrize("lock", [lock_files, lock_range])
def test_a_lock_is_seen_as_long_as_it_is_held(
    lock: Callable[[Target, bytes], None], tmp_path: Path
) -> None:
    drops = Drops(tmp_path, "abcdef")
    ready, begun = os.pipe()
    done, end = os.pipe()

    def hold() -> None:
        os.close(end)
        lock(drops.target(), NONCE)
        os.write(begun, b"!")
        os.read(done, 1)

    child = kernel.fork(hold)
    os.close(done)
    assert os.read(ready, 1)
    assert NONCE in drops.drain()
    assert NONCE in drops.drain()
    os.close(end)
    os.waitpid(child, 0)
    assert NONCE not in drops.drain()
    drops.close()


def test_what_others_put_into_shared_memory_stays_theirs(tmp_path: Path) -> None:
    """Anybody may use the prefix once it was seen there."""
    drops = Drops(tmp_path, "abcdef", shm=tmp_path)
    (tmp_path / "localai-abcdef-own").touch()
    (tmp_path / "localai-abcdef-not").mkdir()
    drops.close()
    assert [path.name for path in tmp_path.glob("localai-*")] == ["localai-abcdef-not"]
