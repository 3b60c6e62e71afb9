"""Split models: the names of their files, and whether the files belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from localai.errors import DocumentError
from localai.findings import Finding
from localai.gguf.facts import Array, GgufFile, all_tensors
from localai.gguf.finding import fail
from localai.gguf.types import ValueType

CHECK = "gguf-set"
_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$")
_MOST_PARTS = 40
_TYPES = {
    "split.no": ValueType.UINT16,
    "split.count": ValueType.UINT16,
    "split.tensors.count": ValueType.INT32,
}
_Flaw = tuple[str, str]  # a finding's summary and its evidence
_WHOLE_SET = (
    "download all parts of one set, keep their names, put them into one directory, "
    "and name the first one"
)


def name_parts(path: Path) -> list[Path]:
    """All files of the split set that ``path`` is the first part of, or ``path`` alone."""
    found = _PART.match(path.name)
    if found is None:
        return [path]
    count = int(found["count"])
    if not 1 <= count <= _MOST_PARTS:
        raise DocumentError(
            f"{path.name} is one of {count} parts; expected 1 to {_MOST_PARTS}",
            hint="llama-gguf-split --merge makes one file of them",
        )
    stem = found["stem"]
    parts = [path.with_name(f"{stem}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1)]
    if path != parts[0]:
        raise DocumentError(
            f"{path.name} is not the first part of its set", hint=f"name {parts[0]}"
        )
    return parts


def find_belonging(files: Sequence[GgufFile]) -> list[Finding]:
    """The files must be one whole set, each in its place, and no part may deny what another says.

    Source: the rules of llama.cpp's loader (``llama-model-loader.cpp``). Parts of two models
    that differ in nothing but their weights are told apart by their digests alone.
    """
    for find in (_find_types, _find_count, _find_places, _find_contradiction, _find_tensors):
        found = find(files)
        if found:
            return [fail(CHECK, *found, _WHOLE_SET)]
    return []


def _find_types(files: Sequence[GgufFile]) -> _Flaw | None:
    """llama.cpp ends the process where the part's number is of another type."""
    for file in files:
        for key, expected in _TYPES.items():
            kind = file.types.get(key, expected)
            if kind is not expected:
                evidence = f"{key} is of type {kind.name}; expected {expected.name}"
                return "a set that llama.cpp cannot read", evidence
    return None


def _find_count(files: Sequence[GgufFile]) -> _Flaw | None:
    count, parts = len(files), files[0].parts
    if parts == count:
        return None
    summary = "a part is missing" if parts > count else "a part too many"
    return summary, f"the file is one of {parts} parts; found {count}"


def _find_places(files: Sequence[GgufFile]) -> _Flaw | None:
    count = len(files)
    numbers = [file.number("split.no") for file in files]
    if count == 1 or (numbers == [*range(count)] and all(file.parts == count for file in files)):
        return None
    for place, (file, number) in enumerate(zip(files, numbers, strict=True)):
        if number is None or file.parts != count or not number < count:
            said = "no part" if number is None else f"part {number + 1} of {file.parts}"
            evidence = f"file {place + 1} of {count} says that it is {said}"
            return "a part of another set", evidence
    said = ", ".join(str(number + 1) for number in numbers if number is not None)
    summary = "a part is there twice" if len({*numbers}) < count else "parts in another order"
    return summary, f"the files say that they are parts {said} of {count}"


def _find_contradiction(files: Sequence[GgufFile]) -> _Flaw | None:
    first = files[0]
    for place, file in enumerate(files[1:], 2):
        for key in file.metadata:
            same = key == "split.no" or key not in first.metadata
            if not same and _content(file, key) != _content(first, key):
                evidence = f"file {place} of {len(files)} and the first differ in {key[:80]!a}"
                return "a part of another model", evidence
    return None


def _content(file: GgufFile, key: str) -> tuple[object, ...]:
    """What a file says under ``key``, wherever in the file it says it."""
    value = file.metadata[key]
    said = (value.kind, value.length, value.first) if isinstance(value, Array) else (value,)
    return (file.types.get(key), *said)


def _find_tensors(files: Sequence[GgufFile]) -> _Flaw | None:
    names = [tensor.name for tensor in all_tensors(files)]
    claimed = files[0].number("split.tensors.count")
    if len(files) == 1 or claimed == len(names) == len({*names}):
        return None
    evidence = f"{len({*names})} tensors in {len(names)} places; expected {claimed}"
    return "a part of another model", evidence
