"""Ways out by files: read what is secret, leave something behind.

Everything lies in a directory of ours: another process can pick up there what was left.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from localai.egress.probes.probe import (
    EVERY_FILTER,
    KEEPERS,
    REFUSED,
    WRITERS,
    Probe,
    Target,
    text,
)


def _in(target: Target, name: str) -> str:
    return f"{text(target, 'directory')}/{name}"


def _write(path: str, nonce: bytes, flags: int) -> None:
    out = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        os.write(out, nonce)
    finally:
        os.close(out)


def read_home(target: Target, nonce: bytes) -> bytes:
    """Read a file of this account's that the launcher put beside its own."""
    return _read(text(target, "path"))


def read_file(target: Target, nonce: bytes) -> bytes:
    """Read a file that anybody may read."""
    return _read(text(target, "path"))


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 64)
    finally:
        os.close(descriptor)


def write_new(target: Target, nonce: bytes) -> None:
    _write(_in(target, "new"), nonce, os.O_WRONLY | os.O_CREAT)


def write_existing(target: Target, nonce: bytes) -> None:
    _write(_in(target, "existing"), nonce, os.O_WRONLY)


def append(target: Target, nonce: bytes) -> None:
    _write(_in(target, "existing"), nonce + b"\n", os.O_WRONLY | os.O_APPEND)


def write_fifo(target: Target, nonce: bytes) -> None:
    _write(_in(target, "fifo"), nonce + b"\n", os.O_WRONLY | os.O_NONBLOCK)


def write_shared_memory(target: Target, nonce: bytes) -> None:
    _write(f"{text(target, 'prefix')}-{nonce.decode()}", nonce, os.O_WRONLY | os.O_CREAT)


def truncate(target: Target, nonce: bytes) -> None:
    """The lengths of two files carry the nonce, half of it each: RLIMIT_FSIZE allows that much."""
    for index in range(2):
        os.truncate(_in(target, f"length-{index}"), int(nonce, 16) >> 14 * index & 0x3FFF)


def make_directory(target: Target, nonce: bytes) -> None:
    Path(_in(target, nonce.decode())).mkdir()


def make_link(target: Target, nonce: bytes) -> None:
    os.symlink(nonce.decode(), _in(target, f"link-{nonce.decode()}"))  # noqa: PTH211


def make_hard_link(target: Target, nonce: bytes) -> None:
    os.link(_in(target, "existing"), _in(target, nonce.decode()))


def make_fifo(target: Target, nonce: bytes) -> None:
    os.mkfifo(_in(target, nonce.decode()))


def make_socket(target: Target, nonce: bytes) -> None:
    os.mknod(_in(target, nonce.decode()), stat.S_IFSOCK | 0o666)


def rename(target: Target, nonce: bytes) -> None:
    os.rename(_in(target, "name"), _in(target, nonce.decode()))  # noqa: PTH104


def change_mode(target: Target, nonce: bytes) -> None:
    """The permissions of two files carry the nonce, nine bits and more each."""
    for index in range(4):
        bits = int(nonce, 16) >> 7 * index & 0o177
        os.chmod(_in(target, f"mode-{index}"), 0o200 | bits)  # noqa: PTH101


def change_times(target: Target, nonce: bytes) -> None:
    os.utime(_in(target, "times"), (0, int(nonce, 16)))


def set_attribute(target: Target, nonce: bytes) -> None:
    os.setxattr(_in(target, "attribute"), "user.localai", nonce)


PROBES = (
    Probe("read-home", "a private file of this account", "private", read_home, reads=True,
          passes=EVERY_FILTER),
    Probe("read-file", "a file that anybody may read", "public", read_file, reads=True,
          passes=EVERY_FILTER),
    Probe("write-new", "a new file", "directory", write_new, passes=WRITERS),
    Probe("write-existing", "a file that exists", "directory", write_existing, passes=WRITERS),
    Probe("append", "the end of a file that exists", "directory", append, passes=WRITERS),
    Probe("write-fifo", "a named pipe", "directory", write_fifo, passes=WRITERS),
    Probe("write-shm", "a file in shared memory", "shm", write_shared_memory, twin="write-new",
          passes=WRITERS),
    Probe("truncate", "a file's length", "directory", truncate, passes=KEEPERS),
    Probe("make-directory", "a directory's name", "directory", make_directory, passes=KEEPERS),
    Probe("make-symlink", "a symbolic link", "directory", make_link, passes=KEEPERS),
    Probe("make-hard-link", "a second name of a file", "directory", make_hard_link, passes=KEEPERS),
    Probe("make-fifo", "a named pipe's name", "directory", make_fifo, passes=KEEPERS),
    Probe("make-socket-file", "a socket file's name", "directory", make_socket, passes=KEEPERS),
    Probe("rename", "a file's name", "directory", rename, passes=KEEPERS),
    Probe("change-mode", "files' permissions", "directory", change_mode, passes=KEEPERS),
    Probe("change-times", "a file's times", "directory", change_times, passes=KEEPERS),
    Probe("set-attribute", "an extended attribute", "directory", set_attribute,
          frozenset({95, *REFUSED}), passes=KEEPERS),  # 95: EOPNOTSUPP
)  # fmt: skip
