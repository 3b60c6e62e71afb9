"""What a machine must have, looked at before anything is started."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.errors import CannotError
from bootstrap.paths import ADMINISTRATOR, Checkout

MACHINES = ("x86_64", "aarch64")
MIB = 1 << 20
# Measured with Python 3.11 on x86_64, and rounded up.
ENVIRONMENT_SPACE = 450 * MIB
ENGINE_BUILD_SPACE = 700 * MIB
MODEL_SPACE = 250 * MIB  # the wheel and the model in it
ENGINE_SOURCE_SPACE = 200 * MIB  # the package and what the tests read of it

COMPILER_PACKAGES = {
    "debian": "sudo apt-get install build-essential",
    "fedora": "sudo dnf install gcc-c++",
    "rhel": "sudo dnf install gcc-c++",
    "suse": "sudo zypper install gcc-c++",
    "arch": "sudo pacman -S base-devel",
    "alpine": "sudo apk add build-base",
}
PROGRAM = "#include <thread>\nint main() { return 0; }\n"


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not there, and how to get it."""

    what: str
    remedy: str


def require(missing: Sequence[Missing | None]) -> None:
    """Raise CannotError with everything that is missing, or return."""
    found = [need for need in missing if need is not None]
    if not found:
        return
    several = "" if len(found) == 1 else f"{len(found)} things are missing; nothing was started\n"
    lines = [f"{need.what}\n       {need.remedy}" for need in found]
    raise CannotError(
        several + "\n".join(lines) if several else found[0].what, "" if several else found[0].remedy
    )


def machine() -> Missing | None:
    """A processor that the sandbox knows the system calls of."""
    if platform.machine() in MACHINES:
        return None
    return Missing(
        f"localai does not know this processor: {platform.machine()}",
        f"use a machine with {' or '.join(MACHINES)}",
    )


def writable(checkout: Checkout) -> Missing | None:
    """A checkout that this account can write to."""
    if os.access(checkout.root, os.W_OK | os.X_OK):
        return None
    return Missing(
        f"this account cannot write to {checkout.root}",
        "clone the repository again into a folder of your own",
    )


def whole_checkout(checkout: Checkout) -> Missing | None:
    """A checkout and not only its scripts."""
    needed = (checkout.project, checkout.manifests / "root.json")
    gone = [path for path in needed if not path.is_file()]
    if not gone:
        return None
    return Missing(f"{gone[0]} is missing", "this is no complete checkout: clone it again")


def no_administrator(directory: Path = ADMINISTRATOR) -> Missing | None:
    """A host where LOCALAI_HOME counts: on an administered one the demo home would be ignored."""
    rules = [directory / name for name in ("policy.yaml", "root.json", "manifests")]
    there = [path for path in rules if os.path.lexists(path)]  # as localai.places has it
    if not there:
        return None
    return Missing(
        f"this host has an administrator's rules ({there[0]}), which the demo would go round",
        "install with `pip install .` and use a model from the administrator's manifest",
    )


def space(checkout: Checkout, needed: int) -> Missing | None:
    """Room on the checkout's disk, ``needed`` in bytes."""
    free = shutil.disk_usage(checkout.root).free
    if free >= needed:
        return None
    return Missing(
        f"{needed // MIB} MiB are needed on the disk of {checkout.root}, {free // MIB} are free",
        "free some space, or clone the repository onto another disk",
    )


def compiler(environ: Mapping[str, str]) -> Missing | None:
    """A C and a C++ compiler that work: the engine comes as source code."""
    for language, variable, names in (
        ("C++", "CXX", ("c++", "g++", "clang++")),
        ("C", "CC", ("cc", "gcc", "clang")),
    ):
        chosen = shlex.split(environ.get(variable, ""))
        command = chosen or [name for name in names if shutil.which(name)][:1]
        if not command:
            return Missing(f"no {language} compiler was found", _compiler_remedy())
        if language == "C++" and (complaint := _try_compiler(command)):
            return Missing(
                f"the C++ compiler {shlex.join(command)} does not work: {complaint}",
                _compiler_remedy(),
            )
    return None


def _try_compiler(command: Sequence[str]) -> str:
    """What went wrong when a small program was compiled and linked; empty if nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "program.cpp"
        source.write_text(PROGRAM, encoding="ascii")
        try:
            answer = subprocess.run(
                [*command, source, "-o", Path(folder) / "program"],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            return error.strerror or "it cannot be run"
    return "" if answer.returncode == 0 else (answer.stderr.strip() or "no message").splitlines()[0]


def _compiler_remedy() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    kin = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    commands = [COMPILER_PACKAGES[name] for name in kin if name in COMPILER_PACKAGES]
    install = commands[0] if commands else "install your distribution's gcc and g++"
    return f"{install}   (or, without a compiler: scripts/quickstart --wheels DIR)"
