"""Stand-ins: what lies at well-known paths of a host, replaced by things of ours.

In a private mount namespace empty file systems in memory cover the directories where services and
spools live, and a stand-in is made at the very path that a program would use. Nobody else sees
any of it. Where that cannot be, the stand-in lies in the laboratory's directory, and what aims at
it is tried *by class*: the same call, on another path.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from localai.sandbox import namespaces

COVERED = ("/run", "/tmp", "/var/spool", "/var/mail")  # noqa: S108


class StandIns:
    """Covers what it can at once; ``make`` then makes them one by one.

    ``directory`` is the laboratory's own, ``mounts`` whether this is a mount namespace of ours.
    ``kept`` are directories that stay in sight wherever they are.
    """

    def __init__(self, directory: Path, kept: Iterable[str | Path], *, mounts: bool) -> None:
        self.by_class: set[str] = set()
        self._own = directory / "standins"
        self._own.mkdir(mode=0o777)
        self._mounts = mounts
        self._covered: list[str] = []
        self._kept = outermost([directory, *_imported_from(), *kept])
        for cover in outermost(COVERED) if mounts else ():
            if not any(_lies_in(f"{cover}/", path) for path in self._kept):
                with contextlib.suppress(OSError):  # then it is by class
                    self._cover(cover)

    def make(self, name: str, path: str, make: Callable[[str], object]) -> str:
        """Have ``make(where)`` make what is to stand at ``path``, open to every account, and
        return the path to aim at. ``name`` is the sink's; it is in ``by_class`` if that path is
        another one."""
        place = os.path.realpath(path)
        if self._is_covered(place) and not os.path.exists(place):  # noqa: PTH110
            Path(place).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            make(place)
            return path
        own = str(self._own / name)
        make(own)
        if self._mounts and os.path.exists(place) and not self._hides(place):  # noqa: PTH110
            with contextlib.suppress(OSError):
                namespaces.bind(own, place)
                self._covered.append(place)
                return path
        self.by_class.add(name)
        return own

    def close(self) -> None:
        """Take away what covers others' paths, here only."""
        while self._covered:
            namespaces.unmount(self._covered.pop())

    def _is_covered(self, path: str) -> bool:
        kept = any(_lies_in(path, directory) for directory in self._kept)
        return not kept and any(_lies_in(path, directory) for directory in self._covered)

    def _hides(self, place: str) -> bool:
        """Whether something that must stay in sight would be gone with ``place``."""
        return any(_lies_in(f"{directory}/", place) for directory in self._kept)

    def _cover(self, cover: str) -> None:
        """Cover one directory, except for what is kept and lies in it."""
        with contextlib.ExitStack() as opened:
            handles = {path: os.open(path, os.O_PATH | os.O_CLOEXEC)
                       for path in self._kept if _lies_in(path, cover)}  # fmt: skip
            for handle in handles.values():
                opened.callback(os.close, handle)
            namespaces.mount_scratch(cover)
            try:
                for path, handle in handles.items():
                    Path(path).mkdir(mode=0o755, parents=True)
                    namespaces.bind(f"/proc/self/fd/{handle}", path)
            except OSError:
                namespaces.unmount(cover)
                raise
        self._covered.append(cover)


def _imported_from() -> list[str]:
    """Where this Python and its packages lie: a worker in this mount namespace imports too."""
    return [sys.prefix, sys.base_prefix, *sys.path]


def outermost(paths: Iterable[str | Path]) -> list[str]:
    """The real directories among ``paths``, without those that lie in another one."""
    real = sorted({os.path.realpath(path) for path in paths if os.path.isdir(path)})  # noqa: PTH112
    found: list[str] = []
    for path in real:
        if not any(_lies_in(path, other) for other in found):
            found.append(path)
    return found


def _lies_in(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip("/") + "/")
