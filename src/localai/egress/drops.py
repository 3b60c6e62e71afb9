"""Drops: files and directories of ours where a probe may leave its nonce in any shape."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from localai.egress.probes.probe import Target

_MADE = ("existing", "length", "name", "times", "attribute", "mode-0", "mode-1", "mode-2", "mode-3")
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
        os.truncate(self._directory / "length", 0)  # a shorter nonce must have to be longer

    def drain(self) -> bytes:
        """Every name, link, content, length, time, mode and attribute there is, as bytes."""
        seen = [path.name.encode() for path in self._in_shared_memory()]
        modes = 0
        for path in sorted(self._directory.iterdir()):
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue  # renamed by a probe just now: its new name is seen at the next look
            seen += [path.name.encode(), b"%07x %07x" % (status.st_size, int(status.st_mtime))]
            if path.is_symlink():
                seen.append(os.fsencode(path.readlink()))
            elif path.is_file() and not path.name.startswith("mode-"):  # they may be unreadable
                with contextlib.suppress(FileNotFoundError):
                    seen.append(self._content(path))
            if path.name.startswith("mode-"):
                modes |= (status.st_mode & 0o177) << 7 * int(path.name[-1])
        seen.append(b"%07x" % modes)
        with contextlib.suppress(OSError):
            seen.append(os.read(self._fifo, 1 << 12))
        return b"\n".join(seen)

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
            path.unlink()
