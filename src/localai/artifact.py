"""The artifacts of a start, the model and what goes with it: open them, read their headers, and
reckon the memory that they need."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from localai.custody import find_reach
from localai.errors import DocumentError, LocalAIError
from localai.findings import Finding, Verdict, refused
from localai.gguf.check import check_structure
from localai.gguf.facts import GgufFile, pinned_by
from localai.gguf.finding import unsound
from localai.gguf.memory import are_all_layers, inference_bytes
from localai.gguf.reader import read_gguf
from localai.gguf.sets import name_parts
from localai.gguf.statements import read_statements
from localai.hardware import file_size_limit, find_free_memory
from localai.plan.facts import Artifact, Resources
from localai.plan.request import Adapter, StartRequest
from localai.sealing import RESERVE, OpenFile, make_vessel, open_regular
from localai.store.state import Place, find_place
from localai.worker.protocol import DEFAULT_CONTEXT

_Open = Callable[[Path], list[OpenFile]]
_Check = Callable[[Sequence[GgufFile]], tuple[Finding, ...]]
_LLAMA_COPIES = 2  # an adapter lies in memory twice while it loads: sealed, and as llama.cpp's own


class Manner(NamedTuple):
    """How the memory lets a model be loaded; ``EngineOptions`` says what each is."""

    repack: bool
    let_go: bool


# The best first; the last one needs the least.
_MANNERS = tuple(Manner(repack, let_go) for let_go in (True, False) for repack in (True, False))


class OpenArtifact:
    """The files of one artifact, opened, and what their headers say.

    ``artifact`` carries everything that went wrong; a problem there means nothing may be loaded.
    ``read_only``: nobody but their owner can change the files, and they are loaded from where they
    lie. ``vessels`` holds the memory for the copy of each file, None where none is wanted.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.files: list[OpenFile] = []
        self.headers: list[GgufFile] = []
        self.vessels: list[int | None] = []
        self.read_only = False

    @property
    def sizes(self) -> list[int]:
        return [file.size for file in self.files]

    @property
    def loaded(self) -> list[OpenFile]:
        """What is measured and loaded, once the vessels are there: the copies, or the files."""
        return [
            file if vessel is None else file._replace(fd=vessel)
            for file, vessel in zip(self.files, self.vessels, strict=False)
        ]

    @property
    def inodes(self) -> list[tuple[int, int] | None]:
        """Device and inode of each file that is loaded from where it lies, None for a copy."""
        found = [os.fstat(file.fd) for file in self.loaded]
        return [(one.st_dev, one.st_ino) if self.read_only else None for one in found]

    @property
    def all_headers(self) -> list[GgufFile | None]:
        """One for each file, None where it could not be read."""
        return [*self.headers, *[None] * (len(self.files) - len(self.headers))]

    @property
    def kept_parts(self) -> list[str]:
        """The paths of a set that is loaded from where it lies: llama.cpp opens it by them."""
        parts = self.files if self.read_only and len(self.files) > 1 else []
        return [str(Path(f"/proc/self/fd/{part.fd}").readlink()) for part in parts]

    def give_up(self, error: LocalAIError) -> None:
        """Nothing may be loaded, and this is why."""
        self.artifact = self.artifact._replace(
            sealed=False, read_only=False, problem=error.message, remedy=error.hint
        )

    def close(self) -> None:
        """Close every descriptor."""
        copies = [vessel for vessel in self.vessels if vessel is not None]
        for descriptor in (*(file.fd for file in self.files), *copies):
            os.close(descriptor)
        self.files, self.vessels = [], []


def open_artifacts(request: StartRequest, stores: Sequence[Path] = ()) -> list[OpenArtifact]:
    """The model, then what is asked for beside it; where in ``stores`` each lies, if any are
    given."""
    model = open_artifact(request.model, stores)
    return [model, *(open_adapter(adapter, model, stores) for adapter in request.adapters)]


def open_artifact(path: Path, stores: Sequence[Path] = ()) -> OpenArtifact:
    """Open the model ``path`` and, of a split set, all its parts, and read every header; find out
    where in ``stores`` they lie, if any are given.

    Never raises for what is wrong with a file: that is a finding.
    """
    return _open(Artifact(str(path), path.name), open_parts, check_structure, stores)


def open_adapter(
    adapter: Adapter, model: OpenArtifact, stores: Sequence[Path] = ()
) -> OpenArtifact:
    """The same for an adapter, which is one file, and is held against its model."""
    path = adapter.path
    artifact = Artifact(str(path), path.name, kind="adapter", scale=adapter.scale)
    return _open(artifact, _open_one, partial(_check_adapter, model.headers), stores)


def _open_one(path: Path) -> list[OpenFile]:
    return [open_regular(path)]


def _check_adapter(model: Sequence[GgufFile], files: Sequence[GgufFile]) -> tuple[Finding, ...]:
    from localai.gguf.adapter import check_adapter, find_misfits  # only where there is one

    findings = check_adapter(files[0])
    misfits = find_misfits(files[0], model) if model and not refused(findings) else ()
    return (*findings, *misfits)


def _open(
    artifact: Artifact, open_files: _Open, check: _Check, stores: Sequence[Path]
) -> OpenArtifact:
    opened, path = OpenArtifact(artifact), Path(artifact.path)
    try:
        opened.files = open_files(path)
    except DocumentError as error:
        opened.give_up(error)
        return opened
    opened.read_only = not any(find_reach(file.fd) for file in opened.files)
    opened.artifact = opened.artifact._replace(
        size=sum(opened.sizes), place=_find_place(opened.files, stores) if stores else None
    )
    opened.artifact = opened.artifact._replace(format=_read_headers(opened, check))
    if opened.headers:
        name = opened.headers[0].name or path.name
        opened.artifact = opened.artifact._replace(name=name)
    if opened.headers and len(opened.headers) == len(opened.files):
        held, said = pinned_by(opened.headers), read_statements(opened.headers)
        opened.artifact = opened.artifact._replace(held=held, said=said)
    return opened


def open_parts(path: Path, parts: Sequence[Path] = ()) -> list[OpenFile]:
    """Open ``path`` and, if it is the first file of a split set, the others, in order: ``parts``,
    where their names are known already.

    Raises DocumentError if one of them is missing or no readable, non-empty regular file.
    """
    parts = parts or name_parts(path)
    missing = [part.name for part in parts[1:] if not os.path.lexists(part)]
    if missing:
        raise DocumentError(
            f"{len(missing)} of {len(parts)} parts are missing: {', '.join(missing)}",
            hint=f"download them into {path.parent.absolute()}",
        )
    opened: list[OpenFile] = []
    try:
        for part in parts:
            opened.append(open_regular(part))
    except DocumentError:
        for file in opened:
            os.close(file.fd)
        raise
    return opened


def _find_place(files: Sequence[OpenFile], stores: Sequence[Path]) -> Place:
    """One file that waits, and the whole artifact does."""
    places = [find_place(file.fd, *stores) for file in files]
    return next((place for place in places if place.waits), places[0])


def _read_headers(opened: OpenArtifact, check: _Check) -> tuple[Finding, ...]:
    for file in opened.files:
        try:
            header = read_gguf(file.fd, file.size, opened.headers)
        except DocumentError as error:
            return (_find_dataset(file) or unsound(file.path.name, error),)
        opened.headers.append(header)
    return check(opened.headers)


def _find_dataset(file: OpenFile) -> Finding | None:
    """What is to be said of a file that is no model because it is data; None of any other."""
    from shlex import quote  # only where there is no model

    from localai.formats.recognise import recognise_dataset

    try:
        found = recognise_dataset(file.fd, file.size, file.path.name)
    except DocumentError:
        return None
    if found is None:
        return None
    return Finding(
        "gguf-header",
        Verdict.FAIL,
        "a dataset",
        f"{file.path.name} is {found.name}: data, and no model",
        "only a model can be run",
        f"name a GGUF file; localai inspect {quote(str(file.path))} says what is in this one",
    )


def measure_resources(
    opened: Sequence[OpenArtifact], context: int | None, gpu_layers: int = 0
) -> tuple[Resources, Manner]:
    """What the start needs at its peak and what is free, and the manner of loading for which there
    is room. ``gpu_layers`` is 0 where there is no GPU."""
    model, *adapters = opened
    free = find_free_memory()
    limit = file_size_limit()
    largest = max((size for one in opened if not one.read_only for size in one.sizes), default=0)
    if limit is not None and largest > limit:
        needed = Resources(largest, limit, "RLIMIT_FSIZE", remedy="ulimit -f unlimited")
        return needed, _MANNERS[-1]
    wanted = context or DEFAULT_CONTEXT

    def measure(manner: Manner) -> int:
        beside = RESERVE  # below that the copy would stop half-way
        if model.headers:
            beside = max(beside, inference_bytes(model.headers, wanted, **manner._asdict()))
        copies = sum(_LLAMA_COPIES * sum(adapter.sizes) for adapter in adapters)
        return sum(model.sizes) + copies + beside

    copied = bool(model.headers) and not model.read_only  # else there is nothing to let go of
    whole = copied and are_all_layers(model.headers, gpu_layers)
    manners = [manner for manner in _MANNERS if whole or not manner.let_go]
    manner = next((one for one in manners if measure(one) <= free.bytes), manners[-1])
    return Resources(measure(manner), free.bytes, free.limited_by), manner


def make_vessels(opened: OpenArtifact) -> None:
    """One empty sealable file in memory for each file that is to be copied. The process must be
    hidden already."""
    count = len(opened.files)
    names = (f"localai-{number}-of-{count}" for number in range(1, count + 1))
    opened.vessels = [None if opened.read_only else make_vessel(name) for name in names]
