"""What the tests read of the engine's source package: llama.cpp's vocabularies, templates, tests.

The package is the one that the engine is compiled from, held to its SHA-256 by pip before anything
in it is looked at. Only what the tests read is unpacked; nothing of it is compiled here.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

from bootstrap import needs
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout
from bootstrap.pip import Pip
from bootstrap.screen import Step
from bootstrap.wheels import ENGINE

VARIABLE = "LOCALAI_TEST_ENGINE_SOURCE"  # a folder to read instead of fetching one
PACKAGE = "llama_cpp_python-0.3.36.tar.gz"
PINNED = (
    f"{ENGINE}==0.3.36 "
    "--hash=sha256:832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e\n"
)
WANTED = re.compile(
    r"[^/]+/vendor/llama\.cpp/"
    r"(?P<place>models/[\w.-]+\.gguf|models/templates/[\w.-]+\.jinja|tests/test-gguf\.cpp)"
)


def bring_engine_source(checkout: Checkout, pip: Pip) -> None:
    """Put the tests' part of the engine's source package in its place, unless it is there."""
    step = Step("test files")
    if checkout.engine_source.exists():
        step.end("are there")
        return
    needs.require([needs.space(checkout, needs.ENGINE_SOURCE_SPACE)])
    fetched = checkout.home / "fetched-source"
    shutil.rmtree(fetched, ignore_errors=True)
    fetched.mkdir(parents=True)
    pinned = fetched / "requirements.txt"
    pinned.write_text(PINNED, encoding="utf-8")
    arguments = ("--no-deps", f"--no-binary={ENGINE}", "--require-hashes", "--dest", fetched)
    try:
        pip.run(step, "fetch the engine's source", "download", *arguments, "-r", pinned)
    except CannotError as error:
        folder = f"{VARIABLE}=DIR names a folder with llama.cpp's models/ and tests/ instead"
        raise CannotError(error.message, f"{error.hint}; {folder}") from error
    count = unpack_source(fetched / PACKAGE, checkout.engine_source, step)
    shutil.rmtree(fetched)
    step.end(f"{count} files of llama.cpp, SHA-256 as expected")


def unpack_source(package: Path, place: Path, step: Step) -> int:
    """Copy what the tests read out of ``package`` to the folder ``place``; return how many files.

    The folder appears under its name when it is complete.
    """
    partial = place.with_name(place.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    count = 0
    try:
        with tarfile.open(package) as archive:
            for member in archive:
                found = WANTED.fullmatch(member.name)
                content = archive.extractfile(member) if found and member.isreg() else None
                if found is None or content is None:
                    continue
                copy = partial / found["place"]
                copy.parent.mkdir(parents=True, exist_ok=True)
                with content, copy.open("wb") as stream:
                    shutil.copyfileobj(content, stream)
                count += 1
                step.tick("unpacking")
    except (tarfile.TarError, EOFError) as error:
        step.end("failed")
        raise CannotError(f"{package} is no source package: {error}", "run this again") from error
    if not count:
        step.end("failed")
        raise CannotError(f"{package} holds nothing of llama.cpp", "report this: it is a bug")
    partial.replace(place)
    return count
