"""What a person types to name something on a hub: ``hf:ORG/REPO[/FILE][@REVISION]``.

A dataset is ``hf:datasets/ORG/REPO``, as in the addresses of hubs. Which hub it is says the policy.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from localai.document import is_clean
from localai.errors import UsageError

PREFIX = "hf:"
HUB = "hf"
"""What stands for the hub where somebody else brought the file, and only its reference is known."""

_DATASETS = "datasets/"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_REVISION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?")
LONGEST_PATH = 500


class Reference(NamedTuple):
    """A repository, ``ORG/REPO``, with a file in it and a revision, both empty if left out."""

    repository: str
    file: str = ""
    revision: str = ""
    dataset: bool = False

    @property
    def publisher(self) -> str:
        return self.repository.partition("/")[0]

    @property
    def place(self) -> str:
        """The repository as the hub's own addresses name it."""
        return f"{_DATASETS if self.dataset else ''}{self.repository}"

    def __str__(self) -> str:
        """As it is typed."""
        file = f"/{self.file}" if self.file else ""
        return f"{PREFIX}{self.place}{file}" + (f"@{self.revision}" if self.revision else "")


def is_reference(text: str) -> bool:
    """True if somebody means a place on a hub."""
    return text.strip().startswith(PREFIX)


def parse_reference(text: str) -> Reference:
    """Read one. Raises UsageError for text that is none."""
    whole, at, revision = text.strip().removeprefix(PREFIX).rpartition("@")
    path = whole if at else revision
    dataset = path.startswith(_DATASETS)
    parts = path.removeprefix(_DATASETS).split("/", 2)
    names, file = parts[:2], "".join(parts[2:])
    good = is_reference(text) and len(names) == 2 and all(map(_is_name, names))
    if not good or (len(parts) == 3 and not is_path(file)) or (at and not _is_revision(revision)):
        raise UsageError(
            f"{text[:100]!r} names nothing on a hub", hint="hf:ORG/REPO/FILE.gguf@REVISION"
        )
    return Reference("/".join(names), file, revision if at else "", dataset)


def is_path(text: str) -> bool:
    """True for a path inside a repository: it leads nowhere else."""
    steps = text.split("/")
    whole = 0 < len(text) <= LONGEST_PATH and is_clean(text) and "\\" not in text
    return whole and not {"", ".", ".."} & {*steps}


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and ".." not in text and "--" not in text


def _is_revision(text: str) -> bool:
    return _REVISION.fullmatch(text) is not None and ".." not in text and "//" not in text
