"""What is asked of the sandbox. What came of it is in ``status``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

LAYERS = (
    "seccomp", "landlock", "no-new-privs", "capabilities", "account", "rlimits", "descriptors",
    "namespaces",
)  # fmt: skip
OPTIONAL = frozenset({"namespaces"})  # many agencies forbid them (STIG for RHEL 9)
LOWEST_LANDLOCK = 1

_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_ABOUT_THE_MACHINE = ("/proc/self", "/proc/cpuinfo", "/proc/mounts", "/sys/devices/system")
_GPU_NODES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
_GPU_FILES = ("/proc/driver/nvidia", "/sys/bus/pci", "/sys/devices", "/usr/local/cuda")


class SandboxSpec(NamedTuple):
    """Everything that the worker needs to know to confine itself.

    ``laboratory`` is the process whose ``namespaces`` it starts out in; it then makes its own of
    the same kinds. ``directory`` is the laboratory's, ``decoy`` a file in it that can be read
    until Landlock forbids it. ``uid`` is who to become (0: stay), ``landlock`` the kernel's ABI,
    ``readable`` what imports need, ``devices`` a GPU's nodes. ``parts`` is the number of files of
    the model, ``kept`` those that will be loaded by path from where they lie. ``unsafe_without``
    names layers to leave out: for tests, which must see probes arrive; the status shows them as
    missing, and the gates then refuse.
    """

    laboratory: int
    namespaces: tuple[str, ...]
    directory: str
    decoy: str
    uid: int
    landlock: int
    readable: tuple[str, ...]
    devices: tuple[str, ...] = ()
    parts: int = 1
    kept: tuple[str, ...] = ()
    unsafe_without: tuple[str, ...] = ()

    def wants(self, layer: str) -> bool:
        return layer not in self.unsafe_without

    @property
    def own_namespaces(self) -> tuple[str, ...]:
        """The kinds that the worker makes anew for itself."""
        kinds = self.namespaces if self.wants("namespaces") else ()
        return tuple(kind for kind in kinds if kind != "user")

    def to_frame(self) -> dict[str, Any]:
        return self._asdict()

    @classmethod
    def from_frame(cls, frame: Mapping[str, Any]) -> SandboxSpec:
        """Read what ``to_frame`` wrote. JSON has lists where this has tuples."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in frame.items()
        }
        return cls(**fields)


def find_readable(*, gpu: bool) -> tuple[str, ...]:
    """What a worker may read while it imports: Python with its packages, those that lie elsewhere,
    the system's libraries, and what a GPU's driver reads about the machine."""
    python = (sys.prefix, sys.base_prefix, *_find_packages())
    places = (*python, *_LIBRARIES, *_ABOUT_THE_MACHINE, *(_GPU_FILES if gpu else ()))
    return tuple(dict.fromkeys(places))


def _find_packages() -> list[str]:
    """Where the packages lie that the worker imports, found without importing them."""
    specs = [find_spec(name) for name in ("localai", "llama_cpp", "jinja2", "markupsafe")]
    return [place for spec in specs if spec for place in spec.submodule_search_locations or ()]


def find_gpu_devices(directory: Path = Path("/dev")) -> tuple[str, ...]:
    """The device nodes of NVIDIA GPUs that this account may open. Empty without one, and where
    this build of llama.cpp could do nothing with it."""
    if not any(lib for place in _find_packages() for lib in Path(place).glob("lib/libggml-cuda*")):
        return ()
    nodes = [Path(node) for node in _GPU_NODES] + sorted(directory.glob("nvidia[0-9]*"))
    return tuple(str(node) for node in nodes if os.access(node, os.R_OK | os.W_OK))
