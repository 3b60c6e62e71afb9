"""A dataset in several files, named as Hugging Face's library ``datasets`` writes them:
``train-00000-of-00003.parquet``. Some programs count from one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from localai.errors import DocumentError

ENDINGS = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".tab", ".parquet", ".txt"})
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<ending>\.[a-z]+)")
_MOST_PARTS = 500  # each is open while they are looked at


def name_parts(path: Path, exists: Callable[[Path], bool]) -> list[Path]:
    """All files of the dataset that ``path`` is the first part of, or ``path`` alone.

    ``exists`` says which files there are. Raises DocumentError for too many parts, and for a later
    one.
    """
    found = _PART.fullmatch(path.name)
    if found is None or found["ending"] not in ENDINGS:
        return [path]
    count = int(found["count"])
    if not 1 <= count <= _MOST_PARTS:
        raise DocumentError(
            f"{path.name} is one of {count} parts; expected 1 to {_MOST_PARTS}",
            hint="write the dataset in fewer files, or name each artifact's files another way",
        )

    def part(number: int) -> Path:
        return path.with_name(f"{found['stem']}-{number:05}-of-{found['count']}{found['ending']}")

    first = 0 if int(found["number"]) == 0 or exists(part(0)) else 1
    parts = [part(number) for number in range(first, first + count)]
    if path != parts[0]:
        raise DocumentError(
            f"{path.name} is not the first part of its dataset", hint=f"name {parts[0]}"
        )
    return parts
