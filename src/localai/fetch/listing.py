"""What lies in a repository, as its hub says, and what of it somebody wants."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from localai.document import Node
from localai.errors import DocumentError, HubError, UsageError
from localai.formats.datasets.parts import ENDINGS
from localai.formats.datasets.parts import name_parts as name_parts_of_data
from localai.gguf.sets import name_parts
from localai.manifest.filename import find_name_problem
from localai.reference import LONGEST_PATH, is_path
from localai.shape import Fields, read_shape

CARD = "README.md"
LARGEST_CARD = 4 << 20
LARGEST_ANSWER = 50 * 10**9
"""Bytes that a hub sends at once over HTTP (huggingface_hub, MAX_HTTP_DOWNLOAD_SIZE)."""

EXACT = re.compile(r"[0-9a-f]{40}")
"""A revision that names its content."""

DIGEST = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""Git's identifier of a file, or a SHA-256."""

_SUFFIX = ".gguf"


class Remote(NamedTuple):
    """A file in a repository: its path there, bytes, and the hub's digest of it, a SHA-256 or, for
    what lies in git itself, git's identifier (SHA-1)."""

    path: str
    size: int
    digest: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def sha256(self) -> str | None:
        return self.digest if len(self.digest) == 64 else None


class Listing(NamedTuple):
    """A repository at an exact revision. ``licence`` is empty where nothing is said."""

    revision: str
    publisher: str
    licence: str
    gated: bool
    bases: tuple[str, ...]
    files: tuple[Remote, ...]

    @property
    def card(self) -> Remote | None:
        """The model's card, None if there is none, or none that anybody would read."""
        found = next((file for file in self.files if file.path == CARD), None)
        return found if found and 0 < found.size <= LARGEST_CARD else None


def parse_listing(said: Node) -> Listing:
    """Read what the process that asked the hub says. Raises HubError."""
    try:
        return read_shape(said, "listing", _read_listing)
    except DocumentError as error:
        raise HubError(f"the hub's answer cannot be read: {error.message}") from error


def list_artifacts(listing: Listing, *, dataset: bool = False) -> tuple[Remote, ...]:
    """The GGUF files, or of a ``dataset`` the files of data; of several parts the first."""
    endings = ENDINGS if dataset else (_SUFFIX,)
    known = {file.path for file in listing.files}
    named = (file for file in listing.files if PurePosixPath(file.path).suffix in endings)
    return tuple(file for file in named if _begins(file.path, known))


def choose_files(listing: Listing, path: str) -> tuple[Remote, ...]:
    """The file of this path, and all other parts of its set.

    Raises UsageError if there is no such file or a part of it is missing, DocumentError if its name
    can be no file's here.
    """
    known = {file.path: file for file in listing.files}
    wanted = _name_parts(path, known)
    if missing := [one for one in wanted if str(one) not in known]:
        raise UsageError(
            f"there is no {missing[0]} in the repository", hint="leave the file out to see a list"
        )
    for one in wanted:
        if problem := find_name_problem(one.name):
            raise DocumentError(f"the file's name {one.name!r} {problem}")
    return tuple(known[str(one)] for one in wanted)


def measure(listing: Listing, file: Remote) -> int:
    """Bytes of a file and all other parts of its set that are there."""
    known = {one.path: one.size for one in listing.files}
    return sum(known.get(str(part), 0) for part in _name_parts(file.path, known))


def _name_parts(path: str, known: Collection[str]) -> list[PurePosixPath]:
    """All files of the split model or the dataset that it begins, or it alone. Raises
    DocumentError."""
    parts = name_parts(Path(path))
    if len(parts) == 1:
        parts = name_parts_of_data(Path(path), lambda part: str(part) in known)
    return [PurePosixPath(part) for part in parts]


def _begins(path: str, known: Collection[str]) -> bool:
    try:
        _name_parts(path, known)
    except DocumentError:
        return False  # a later part
    return True


def _read_listing(fields: Fields) -> Listing:
    return Listing(
        revision=_matched(fields, "revision", EXACT),
        publisher=fields.text("publisher"),
        licence=fields.text("licence") if fields.has("licence") else "",
        gated=fields.boolean("gated"),
        bases=fields.texts("bases"),
        files=fields.each("files", _read_remote, most=20_000),
    )


def _read_remote(fields: Fields) -> Remote:
    path = fields.text("path", limit=LONGEST_PATH)
    if not is_path(path):
        raise fields.refuse("path", f"{path!r} leads elsewhere")
    return Remote(path, fields.integer("size", 0, 10**15), _matched(fields, "digest", DIGEST))


def _matched(fields: Fields, key: str, pattern: re.Pattern[str]) -> str:
    """What a hub's process says, in a form that can name a file here."""
    text = fields.text(key)
    if not pattern.fullmatch(text):
        raise fields.refuse(key, f"{text!r}: {pattern.pattern} was expected")
    return text
