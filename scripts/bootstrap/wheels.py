"""The folder that scripts/wheelhouse fills once and scripts/quickstart --wheels installs from.

It holds a wheel for everything that localai depends on and is built with, the engine compiled, the
wheel that carries the demo model, and ``requirements.txt``, which pins each by version and SHA-256.
What fetching from a hub needs is in it only where that was asked for: no other host wants it.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.errors import CannotError
from bootstrap.model import MODEL_WHEEL_FILES, download_wheel
from bootstrap.needs import Missing
from bootstrap.paths import Checkout, write_whole
from bootstrap.pip import Pip
from bootstrap.screen import Step

ENGINE = "llama-cpp-python"
EDITABLE = "editables>=0.5,<0.6"  # hatchling asks for it when it installs a checkout in place
# The engine is compiled for these, not for the building machine's own processor: another machine
# would end in an illegal instruction. What llama.cpp takes on x86_64 with GGML_NATIVE=OFF.
PROCESSOR = {"x86_64": ("avx", "avx2", "bmi2", "f16c", "fma"), "aarch64": ()}
REQUIREMENTS = "requirements.txt"
EXTRAS = ("engine",)
STAGING = (*EXTRAS, "fetch")  # for hosts that bring models from a hub


def fill(
    folder: Path,
    checkout: Checkout,
    environ: Mapping[str, str],
    extras: Sequence[str] = EXTRAS,
) -> None:
    """Fill ``folder``; it appears under its name only when it is complete."""
    step = Step("wheelhouse")
    wanted = requirements(checkout, extras)
    if folder.exists():
        if not (folder / REQUIREMENTS).exists():
            raise CannotError(
                f"{folder} is there, and no folder that scripts/wheelhouse made",
                "name another one: scripts/wheelhouse DIR",
            )
        if fits(folder, checkout) is None and _extras(_read_header(folder)) == [*extras]:
            step.end(f"{folder.name} is there; remove it to have newer versions")
            return
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    engine = _compile_engine(partial, wanted.pop(ENGINE), checkout, environ)
    # Of an interrupted run only the engine is kept: other wheels may have newer versions by now.
    for wheel in set(partial.glob("*.whl")) - {engine}:
        wheel.unlink()

    pip = Pip(checkout.venv, environ)
    step = Step("wheels")
    pinned = f"{ENGINE}=={engine.name.split('-')[1]}"
    places = ("--find-links", partial, "--wheel-dir", partial)
    pip.run(step, "fetch the other wheels", "wheel", *places, pinned, *wanted.values())
    download_wheel(pip, step, partial)
    write_whole(partial / REQUIREMENTS, pin(partial, requirements(checkout, extras), extras))
    step.end(f"{len(list(partial.glob('*.whl')))} fetched and pinned")
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def _compile_engine(
    partial: Path, requirement: str, checkout: Checkout, environ: Mapping[str, str]
) -> Path:
    """Compile the engine into ``partial`` unless its wheel is there; return that."""
    step = Step("engine")
    pattern = f"{ENGINE.replace('-', '_')}-*.whl"
    if done := sorted(partial.glob(pattern)):
        step.end(f"{done[-1].name} is there")
        return done[-1]
    options = f"-DGGML_NATIVE=OFF {environ.get('CMAKE_ARGS', '')}".strip()
    pip = Pip(checkout.venv, {**environ, "CMAKE_ARGS": options})
    compiled = partial / "compiled"
    shutil.rmtree(compiled, ignore_errors=True)
    # Neither an index's wheel nor pip's cache: they may hold one for a processor of its own.
    fresh = ("--no-deps", "--no-cache-dir", f"--no-binary={ENGINE}", "--wheel-dir", compiled)
    pip.run(step, "compile the engine", "wheel", *fresh, requirement)
    (made,) = compiled.glob(pattern)
    done_wheel = made.rename(partial / made.name)
    compiled.rmdir()
    step.end(f"{made.name} compiled")
    return done_wheel


def requirements(checkout: Checkout, extras: Sequence[str] = EXTRAS) -> dict[str, str]:
    """What localai needs, with these extras, and to be installed from a checkout, by project
    name."""
    file = tomllib.loads(checkout.project.read_text(encoding="utf-8"))
    project = file["project"]
    optional = [one for extra in extras for one in project["optional-dependencies"][extra]]
    wanted = [*project["dependencies"], *optional, *file["build-system"]["requires"], EDITABLE]
    return {re.split(r"[^\w.-]", each, maxsplit=1)[0]: each for each in wanted}


def _digest(wanted: Mapping[str, str]) -> str:
    return hashlib.sha256("\n".join(wanted.values()).encode()).hexdigest()


def pin(folder: Path, wanted: Mapping[str, str], extras: Sequence[str] = EXTRAS) -> str:
    """``requirements.txt`` for the wheels in ``folder``: what it fits, then every file's hash."""
    libc, libc_version = platform.libc_ver()
    lines = [
        "# Made by scripts/wheelhouse, for scripts/quickstart --wheels.",
        f"# python: {sys.version_info[0]}.{sys.version_info[1]}",
        f"# machine: {platform.machine()}",
        f"# libc: {libc} {libc_version}",
        f"# processor: {' '.join(PROCESSOR.get(platform.machine(), ()))}",
        f"# extras: {' '.join(extras)}",
        f"# wanted: {_digest(wanted)}",
    ]
    model = set(folder.glob(MODEL_WHEEL_FILES))
    for wheel in sorted(set(folder.glob("*.whl")) - model):
        name, version = wheel.name.split("-")[:2]
        with wheel.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def fits(folder: Path, checkout: Checkout) -> Missing | None:
    """Whether the folder was made for a machine and a checkout like these."""
    again = "run scripts/wheelhouse of this version on a machine like this one, and copy the folder"
    made_for = _read_header(folder)
    if not made_for:
        return Missing(f"scripts/wheelhouse did not make {folder}: no {REQUIREMENTS}", again)
    here = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "machine": platform.machine(),
    }
    for name, value in here.items():
        if made_for.get(name) != value:
            return Missing(f"{folder} is for {name} {made_for.get(name)}, this is {value}", again)
    extras = _extras(made_for)
    known = set(extras) <= set(STAGING)
    if not known or made_for.get("wanted") != _digest(requirements(checkout, extras)):
        return Missing(f"{folder} is for a version of localai with other dependencies", again)
    return _fits_libc(folder, made_for, again) or _fits_processor(folder, made_for, again)


def _read_header(folder: Path) -> dict[str, str]:
    """The ``# name: value`` lines on top of ``requirements.txt``; nothing if there are none."""
    try:
        lines = (folder / REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.removeprefix("# ").split(": ", 1) for line in lines if line.startswith("# "))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _extras(made_for: Mapping[str, str]) -> list[str]:
    return made_for.get("extras", "").split()


def _fits_libc(folder: Path, made_for: Mapping[str, str], again: str) -> Missing | None:
    wanted, _, wanted_version = made_for.get("libc", "").partition(" ")
    libc, version = platform.libc_ver()
    if wanted == libc and _numbers(wanted_version) <= _numbers(version):
        return None
    return Missing(
        f"{folder} needs {wanted} {wanted_version} or newer, this is {libc} {version}", again
    )


def _fits_processor(folder: Path, made_for: Mapping[str, str], again: str) -> Missing | None:
    flags: set[str] = set()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            break
    lacking = [flag for flag in made_for.get("processor", "").split() if flag not in flags]
    if not lacking:
        return None
    return Missing(f"{folder} needs a processor with {' '.join(lacking)}", again)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
