"""Sinks for what is handed over rather than sent: descriptors that are passed, keys."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from pathlib import Path

from localai.egress.probes.probe import Target
from localai.egress.sinks import repeat
from localai.sandbox import kernel

_KEYCTL_SETPERM, _KEYCTL_DESCRIBE, _KEYCTL_READ = 5, 6, 11
_PROCESS_KEYRING = -2  # it ends with this process, and so does all that lies in it only
_EVERYTHING_TO_EVERYBODY = 0x3F3F3F3F
_MOST_KEYS, _FIRST_BYTES = 64, 64


class Reception:
    """A socket that takes descriptors and reads what they hold (SCM_RIGHTS in unix(7))."""

    def __init__(self, directory: Path) -> None:
        self._path = str(directory / "passed")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._socket.setblocking(False)

    def target(self) -> Target:
        return {"path": self._path}

    def drain(self) -> bytes:
        return repeat(self._take)

    def _take(self) -> bytes:
        said, taken, _, _ = socket.recv_fds(self._socket, 64, 8)
        for descriptor in taken:
            with contextlib.suppress(OSError):
                os.set_blocking(descriptor, False)
                said += os.read(descriptor, _FIRST_BYTES)
            os.close(descriptor)
        return said


class Keyring:
    """A keyring that every account may put keys into (keyrings(7)). What a key is called tells
    what came. Where the kernel has no keys, the control finds that out."""

    def __init__(self) -> None:
        self._serial = 0
        with contextlib.suppress(OSError):
            name = b"localai-selftest"
            self._serial = kernel.syscall("add_key", b"keyring", name, None, 0, _PROCESS_KEYRING)
            kernel.syscall("keyctl", _KEYCTL_SETPERM, self._serial, _EVERYTHING_TO_EVERYBODY)

    def target(self) -> Target:
        return {"keyring": self._serial}

    def drain(self) -> bytes:
        held = self._ask(_KEYCTL_READ, self._serial)
        keys = struct.unpack_from(f"={len(held) // 4}i", held)
        return b"\n".join(self._ask(_KEYCTL_DESCRIBE, key) for key in keys)

    @staticmethod
    def _ask(operation: int, key: int) -> bytes:
        buffer = ctypes.create_string_buffer(4 * _MOST_KEYS)
        with contextlib.suppress(OSError):
            size = kernel.syscall("keyctl", operation, key, buffer, len(buffer))
            return buffer.raw[: min(size, len(buffer))]
        return b""
