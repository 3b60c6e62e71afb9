"""A bundle of 2 GB created and imported, against `cp` and one hash of the same file.

    .venv/bin/python benchmarks/bundle.py [--runs N]

localai ends when the bytes are on the disk. So does the first peer: `cp`, `sync` and `sha256` of
the copy, one after the other, as somebody would do it who carries a model by hand. The second one,
`cp` and `sha256`, may leave them in memory. The file is warm. The target is a ratio of 0.7 or more
to either, for creating and for importing. Needs 8 GB where temporary files go (TMPDIR).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import measuring

from localai.bundle.contents import Artifact, Contents
from localai.bundle.reading import read_files, read_head
from localai.bundle.source import opening
from localai.bundle.taking import receiving, take
from localai.bundle.writing import write_bundle
from localai.hashing import digest_file, report_nothing
from localai.manifest.schema import ArtifactFile, Source
from localai.store.arrival import admit
from localai.store.origin import Origin
from localai.store.state import State

SIZE = 2 << 30  # bytes
NAME = "large"


def main() -> None:
    asked = measuring.parse(__doc__, runs=5, model=False)
    with tempfile.TemporaryDirectory(prefix="localai-benchmark-") as directory:
        place = Path(directory)
        artifact = make_artifact(place / "model.gguf")
        bundle = place / "bundle"
        write_bundle(bundle, Contents((artifact,)), [place / "model.gguf"], report_nothing)
        medians = measuring.alternate(
            asked.runs,
            lambda: measure(lambda: create(place, artifact)),
            lambda: measure(lambda: import_(place / "home" / "store", bundle)),
            lambda: measure(lambda: copy_by_hand(place / "model.gguf", place / "copy", sync=True)),
            lambda: measure(lambda: copy_by_hand(place / "model.gguf", place / "copy", sync=False)),
        )
    created, imported, *by_hand = medians
    peers = ["cp, sync, sha256", "cp, sha256"]
    measuring.show("GB/s", ["create", *peers], [created, *by_hand])
    measuring.show("GB/s", ["import", *peers], [imported, *by_hand])


def make_artifact(path: Path) -> Artifact:
    """2 GB that nothing can compress or leave out."""
    with path.open("wb") as file:
        block = os.urandom(1 << 20)
        for _ in range(SIZE // len(block)):
            file.write(block)
    with path.open("rb") as file:
        digest = digest_file(file.fileno(), SIZE, tree=False).sha256 or ""
    origin = Origin(Source("benchmark", "benchmark/model"), date(2026, 1, 1),
                    (ArtifactFile(path.name, SIZE, digest),))  # fmt: skip
    return Artifact(NAME, origin)


def measure(act: Callable[[], object]) -> float:
    """Gigabytes a second."""
    os.sync()
    began = time.perf_counter()
    act()
    return SIZE / (time.perf_counter() - began) / 1e9


def create(place: Path, artifact: Artifact) -> None:
    out = place / "created"
    write_bundle(out, Contents((artifact,)), [place / "model.gguf"], report_nothing)
    out.unlink()


def import_(store: Path, bundle: Path) -> None:
    """Without the signatures, which take no time to speak of."""
    with opening(bundle) as source:
        index, contents = read_head(source)
        (artifact,) = contents.artifacts
        with receiving(store, index) as directory:
            wanted = {one.sha256 for one in contents.files}
            read_files(source, index.files, lambda *one: take(directory, wanted, *one),
                       report_nothing)  # fmt: skip
            arrived = [directory / one.sha256 for one in contents.files]
            admit(store, NAME, artifact.origin, arrived, state=State.APPROVED)
    shutil.rmtree(store)


def copy_by_hand(path: Path, copy: Path, *, sync: bool) -> None:
    subprocess.run(["cp", path, copy], check=True)
    if sync:
        subprocess.run(["sync", copy], check=True)
    with copy.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    copy.unlink()


if __name__ == "__main__":
    main()
