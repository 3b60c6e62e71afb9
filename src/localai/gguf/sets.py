"""Split models: the names of their files, and whether the files belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from localai.errors import DocumentError
from localai.findings import Finding
from localai.gguf.facts import GgufFile, all_tensors
from localai.gguf.finding import fail

CHECK = "gguf-set"
_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$")
_MOST_PARTS = 40
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
    """The files must be one whole set, each in its place (llama.cpp's ``split.*`` keys)."""
    count = len(files)
    if files[0].parts != count:
        evidence = f"the file is one of {files[0].parts} parts; found {count}"
        return [fail(CHECK, "a part is missing", evidence, _WHOLE_SET)]
    for place, file in enumerate(files if count > 1 else ()):
        number, parts = file.number("split.no"), file.parts
        if (number, parts) != (place, count):
            said = "no part" if number is None else f"part {number + 1} of {parts}"
            evidence = f"file {place + 1} of {count} says that it is {said}"
            return [fail(CHECK, "a part of another set", evidence, _WHOLE_SET)]
    names = [tensor.name for tensor in all_tensors(files)]
    claimed = files[0].number("split.tensors.count")
    if len(set(names)) != len(names) or claimed not in (None, len(names)):
        evidence = f"{len(set(names))} tensors in {len(names)} places; expected {claimed}"
        return [fail(CHECK, "a part of another set", evidence, _WHOLE_SET)]
    return []
