"""What a bundle holds, and the one order in which it stands there: ``localai.bundle/1``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from localai.document import read_json
from localai.errors import DocumentError
from localai.manifest import envelope, revocation, schema, trust
from localai.manifest.schema import LARGEST_FILE, ArtifactFile
from localai.shape import Fields, is_slug, read_shape
from localai.store import origin
from localai.store.origin import Origin, parse_origin, write_origin

SCHEMA = "localai.bundle/1"
INDEX = "bundle.json"
LIMIT = 4 << 20
"""Bytes that the index may have."""

SMALL = 128 << 20
"""Bytes that all that is no artifact may have: it is kept in memory."""

_MOST_MEMBERS = 10_000
_LIMITS = {
    "roots": trust.LIMIT,
    "manifests": schema.LIMIT,
    "revocation": revocation.LIMIT,
    "origins": origin.LIMIT,
    "files": LARGEST_FILE,
}
_SIGNATURES = ".dsse.json"


class Member(NamedTuple):
    """One member: its name, its size in bytes, and its digest in lower-case hex."""

    name: str
    size: int
    sha256: str


class Index(NamedTuple):
    """The identifiers of the artifacts, and all members but the index, in their order."""

    artifacts: tuple[str, ...]
    members: tuple[Member, ...]

    @property
    def small(self) -> tuple[Member, ...]:
        """Those that are no artifact's files."""
        return tuple(one for one in self.members if _kind(one.name) != "files")

    @property
    def files(self) -> tuple[Member, ...]:
        """The files of the artifacts."""
        return self.members[len(self.small) :]


class Signed(NamedTuple):
    """The bytes of a document, and of the envelope that lies beside it."""

    raw: bytes
    envelope: bytes


class Artifact(NamedTuple):
    """An artifact that is carried: its identifier in the store, and where it came from."""

    id: str
    origin: Origin


class Contents(NamedTuple):
    """All but the artifacts' bytes. ``roots`` leads from the oldest to the one in force."""

    artifacts: tuple[Artifact, ...]
    roots: tuple[Signed, ...] = ()
    manifests: tuple[Signed, ...] = ()
    revocation: Signed | None = None

    @property
    def files(self) -> tuple[ArtifactFile, ...]:
        """Every file that is carried, once, in the order in which they stand in the bundle."""
        found = (file for one in self.artifacts for file in one.origin.files)
        return tuple({file.sha256: file for file in found}.values())


def list_small(contents: Contents) -> Iterator[tuple[str, bytes]]:
    """The members that stand before the artifacts' files, with their bytes."""
    documents = [one for signed in (*contents.roots, *contents.manifests) for one in signed]
    documents += contents.revocation or ()
    documents += [write_origin(one.origin) for one in contents.artifacts]
    counts = len(contents.roots), len(contents.manifests), contents.revocation is not None
    names = _list_names(*counts, artifacts=len(contents.artifacts), digests=())
    yield from zip(names, documents, strict=True)


def make_index(contents: Contents) -> Index:
    """The index of a bundle with these contents."""
    small = (Member(name, len(raw), sha256(raw).hexdigest()) for name, raw in list_small(contents))
    files = (Member(f"files/{one.sha256}", one.size, one.sha256) for one in contents.files)
    return Index(tuple(one.id for one in contents.artifacts), (*small, *files))


def write_index(index: Index) -> bytes:
    """The index as JSON; :func:`parse_index` of it gives an equal one."""
    document = {
        "schema": SCHEMA,
        "artifacts": list(index.artifacts),
        "members": [one._asdict() for one in index.members],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def parse_index(raw: bytes) -> Index:
    """Read an index. Raises DocumentError, also for members that are not these, in this order."""
    return read_shape(read_json(raw, limit=LIMIT), INDEX, _read_index)


def read_contents(index: Index, documents: Sequence[bytes]) -> Contents:
    """The contents, of the bytes of the small members in their order. Raises DocumentError if an
    origin is malformed, or if the files are not exactly those that the origins name."""
    counts = dict.fromkeys(_LIMITS, 0)
    for one in index.small:
        counts[_kind(one.name)] += 1
    left = iter(documents)
    roots, manifests, revoked = (
        tuple(Signed(next(left), next(left)) for _ in range(counts[kind] // 2))
        for kind in ("roots", "manifests", "revocation")
    )
    artifacts = tuple(_read_artifacts(index.artifacts, left))
    contents = Contents(artifacts, roots, manifests, revoked[0] if revoked else None)
    named = tuple((one.sha256, one.size) for one in contents.files)
    if named != tuple((one.sha256, one.size) for one in index.files):
        raise DocumentError("its files are not those that its artifacts have")
    return contents


def _read_artifacts(names: Iterable[str], origins: Iterable[bytes]) -> Iterator[Artifact]:
    """Nobody signed an origin, and each file in it will be looked up: so there is an end to them,
    also where many have the same bytes and are carried once."""
    left = _MOST_MEMBERS
    for name, raw in zip(names, origins, strict=True):
        artifact = Artifact(name, parse_origin(raw))
        left -= len(artifact.origin.files)
        if left < 0:
            raise DocumentError(f"its artifacts have more than {_MOST_MEMBERS} files")
        yield artifact


def _read_index(fields: Fields) -> Index:
    if (found := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{found!r}: {SCHEMA} was expected")
    index = Index(
        fields.texts("artifacts"), fields.each("members", _read_member, most=_MOST_MEMBERS)
    )
    if not index.artifacts or not all(map(is_slug, index.artifacts)):
        raise fields.refuse("artifacts", "empty, or a name that is no identifier")
    kinds = [_kind(one.name) for one in index.members]
    expected = _list_names(
        kinds.count("roots") // 2,
        kinds.count("manifests") // 2,
        "revocation" in kinds,
        artifacts=len(index.artifacts),
        digests=(one.sha256 for one in index.members if _kind(one.name) == "files"),
    )
    names = [one.name for one in index.members]
    if names != [*expected] or len(set(names)) != len(names) or not index.files:
        raise fields.refuse("members", "they are not in order, or one does not belong there")
    if sum(one.size for one in index.small) > SMALL:
        raise fields.refuse("members", f"more than {SMALL} bytes beside the artifacts")
    return index


def _read_member(fields: Fields) -> Member:
    name = fields.text("name")
    limit = envelope.LIMIT if name.endswith(_SIGNATURES) else _LIMITS.get(_kind(name), 0)
    return Member(name, fields.integer("size", 0, limit), fields.digest("sha256"))


def _kind(name: str) -> str:
    """The folder that a member stands in; of the list of what is revoked, its name."""
    return name.partition("/")[0].partition(".")[0]


def _list_names(
    roots: int, manifests: int, revoked: bool, *, artifacts: int, digests: Iterable[str]
) -> Iterator[str]:
    """The names of all members but the index. None of them is anybody's choice."""
    for number in range(1, roots + 1):
        yield from (f"roots/{number}.root.json", f"roots/{number}.root{_SIGNATURES}")
    for number in range(1, manifests + 1):
        yield from (f"manifests/{number}.yaml", f"manifests/{number}{_SIGNATURES}")
    if revoked:
        yield from ("revocation.yaml", f"revocation{_SIGNATURES}")
    yield from (f"origins/{number}.json" for number in range(1, artifacts + 1))
    yield from (f"files/{digest}" for digest in digests)
