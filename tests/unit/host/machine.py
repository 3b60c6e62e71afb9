"""A machine as files: a root directory with a /proc and a /sys that a test fills."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from localai.host.posture import Look

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


def row(local: str, peer: str, state: str, inode: int) -> str:
    """A line of /proc/net/tcp, as the kernel writes it."""
    return (
        f"   0: {local} {peer} {state} 00000000:00000000 00:00000000 00000000  1000  0 {inode} 1\n"
    )


ANY, LOOPBACK, FAR = "00000000", "0100007F", "097100CB"  # FAR is 203.0.113.9
LISTEN, ESTABLISHED, UNCONNECTED = "0A", "01", "07"


class Machine:
    """What a test says about a machine, as files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home/pat"
        self.home.mkdir(parents=True)
        self.write("proc/net/tcp", HEAD)
        self.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/no-such-disk rw\n")
        self.write("proc/self/limits", "Max core file size        0        unlimited      bytes\n")
        self.write("proc/sys/kernel/core_pattern", "core\n")
        self.write("proc/sys/kernel/osrelease", "6.18.0\n")
        self.write("proc/sys/kernel/yama/ptrace_scope", "1\n")
        self.write("proc/swaps", "Filename Type Size Used Priority\n")

    @property
    def proc(self) -> Path:
        return self.root / "proc"

    @property
    def sys(self) -> Path:
        return self.root / "sys"

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(
        self, pid: int, name: str, inodes: tuple[int, ...] = (), environ: str | None = ""
    ) -> None:
        """Let a process be seen; with ``environ`` None it is another account's."""
        self.write(f"proc/{pid}/comm", f"{name}\n")
        if environ is None:
            return
        self.write(f"proc/{pid}/environ", environ)
        descriptors = self.root / f"proc/{pid}/fd"
        descriptors.mkdir()
        for number, inode in enumerate(inodes):
            (descriptors / str(number)).symlink_to(f"socket:[{inode}]")
        (self.root / f"proc/{pid}/net").symlink_to("../net")

    def look(
        self, folders: Mapping[str, Path] | None = None, uid: int = 1000, **environ: str
    ) -> Look:
        return Look(environ, uid, self.home, folders or {"work": self.home}, self.root)
