"""Drops: files and directories of ours where a probe may leave its nonce in any shape."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from pathlib import Path

from localai.egress.probes.locks import BITS
from localai.egress.probes.probe import Target

_LOCKS = tuple(f"lock-{bit}" for bit in range(BITS))  # only their locks are looked at
_MADE = ("existing", "length-0", "length-1", "name", "times", "attribute",
         "mode-0", "mode-1", "mode-2", "mode-3", "range", *_LOCKS)  # fmt: skip
_FIRST_BYTES = 64
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where shm_open(3) puts its files


class Drops:
    """The directory that probes write to, open to every account, and a prefix in /dev/shm."""

    def __init__(self, directory: Path, token: str, shm: Path = SHARED_MEMORY) -> None:
        self._directory = directory / "drops"
        self._directory.mkdir(mode=0o777)
        self._prefix = f"localai-{token}"
        self._shm = shm
        os.mkfifo(self._directory / "fifo", 0o666)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        self._fifo = os.open(self._directory / "fifo", flags)
        self.restore()
        self._range = os.open(self._directory / "range", os.O_RDWR | os.O_CLOEXEC)
        self._locks = [os.open(self._directory / name, os.O_RDONLY | os.O_CLOEXEC)
                       for name in _LOCKS]  # fmt: skip

    def target(self) -> Target:
        return {"directory": str(self._directory)}

    def shm_target(self) -> Target:
        return {"prefix": str(self._shm / self._prefix)}

    @property
    def shm_usable(self) -> bool:
        return os.access(self._shm, os.W_OK | os.X_OK)

    def restore(self) -> None:
        """Have everything in place for the next to try: files under their names, nothing long.
        Only between attempts: what is tried meanwhile would be lost."""
        for name in _MADE:
            path = self._directory / name
            if not path.exists():
                path.touch(0o666)
        for index in range(2):  # a shorter nonce must have to be longer
            os.truncate(self._directory / f"length-{index}", 0)

    def drain(self) -> bytes:
        """Every name, link, content, length, time, mode, attribute and lock there is, as bytes."""
        seen = [path.name.encode() for path in self._in_shared_memory()]
        modes = lengths = 0
        for path in sorted(self._directory.iterdir()):
            if path.name in _LOCKS:
                continue
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue  # renamed by a probe just now: its new name is seen at the next look
            seen.append(path.name.encode())
            if status.st_mtime < 1 << 28:  # or it is a real time, with parts like a nonce
                seen.append(b"%07x" % int(status.st_mtime))
            if path.is_symlink():
                seen.append(os.fsencode(path.readlink()))
            elif path.is_file() and not path.name.startswith("mode-"):  # they may be unreadable
                with contextlib.suppress(FileNotFoundError):
                    seen.append(self._content(path))
            if path.name.startswith("mode-"):
                modes |= (status.st_mode & 0o177) << 7 * int(path.name[-1])
            if path.name.startswith("length-"):
                lengths |= status.st_size << 14 * int(path.name[-1])
        numbers = (modes, lengths, self._locked_files(), self._locked_place())
        seen += [b"%07x" % number for number in numbers]
        with contextlib.suppress(OSError):
            seen.append(os.read(self._fifo, 1 << 12))
        return b"\n".join(seen)

    def _locked_files(self) -> int:
        """A bit for each file that somebody has locked (flock(2))."""
        locked = 0
        for bit, lock in enumerate(self._locks):
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(lock, fcntl.LOCK_UN)
            except BlockingIOError:
                locked |= 1 << bit
        return locked

    def _locked_place(self) -> int:
        """Where in the file somebody holds a lock (F_GETLK in fcntl(2)), 0 if nobody does."""
        asked = struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)  # struct flock
        return int(struct.unpack_from("@hhq", fcntl.fcntl(self._range, fcntl.F_GETLK, asked))[2])

    def _content(self, path: Path) -> bytes:
        with path.open("rb") as file:
            first = file.read(_FIRST_BYTES)
            file.seek(-min(_FIRST_BYTES, path.stat().st_size), os.SEEK_END)
            last = file.read(_FIRST_BYTES)
        value = b""
        with contextlib.suppress(OSError):
            value = os.getxattr(path, "user.localai")
        return b"\n".join((first, last, value))

    def _in_shared_memory(self) -> list[Path]:
        return list(self._shm.glob(f"{self._prefix}-*"))

    def close(self) -> None:
        """Remove what was left in shared memory; the directory goes with its parent."""
        for path in self._in_shared_memory():
            with contextlib.suppress(OSError):  # another account may have made one of that name
                path.unlink()
