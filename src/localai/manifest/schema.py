"""The manifest, ``localai.manifest/1``: the artifacts that are approved, and for what.

A manifest is YAML that a person writes and reads; :mod:`localai.document` reads it strictly and
this module gives it its types. ``sha256`` of a file is what ``sha256sum`` prints; ``tree-sha256``
is the tree digest of :mod:`localai.hashing`, which a start can compute on all cores. No file and
no identifier stands twice in a manifest: there is one answer to what applies to a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from localai.document import decode_text, read_document
from localai.gguf.facts import GgufFacts
from localai.manifest.filename import find_name_problem
from localai.manifest.provenance import Provenance, read_provenance
from localai.shape import Fields, read_shape

SCHEMA = "localai.manifest/1"
LIMIT = 16 * 1024 * 1024
"""Bytes that a manifest may have."""

ENTRIES = 20_000
"""Entries that a manifest may have."""

_LARGE = 64 * 1024  # bytes from which the pattern of localai's own form is worth compiling

LAST_VERSION = 2**31 - 1
LARGEST_FILE = 2**50


class Kind(StrEnum):
    """What an artifact is."""

    MODEL = "model"
    ADAPTER = "adapter"
    PROJECTOR = "projector"
    DRAFT = "draft"
    DATASET = "dataset"


COMPANIONS = frozenset({Kind.ADAPTER, Kind.PROJECTOR, Kind.DRAFT})
"""What is loaded beside a model and never alone."""


class ArtifactFile(NamedTuple):
    """One file: its name, its size in bytes, and its digests in lower-case hex."""

    name: str
    size: int
    sha256: str
    tree: str | None = None


class Source(NamedTuple):
    """Where an artifact comes from: who published it, where it lies, which revision, the artifacts
    that it was made from, nearest first, and the hub, where the repository's name does not say."""

    publisher: str
    repository: str
    revision: str | None = None
    bases: tuple[str, ...] = ()
    hub: str | None = None

    @property
    def place(self) -> str:
        """The repository and, where one is known, the revision."""
        return f"{self.repository} at {self.revision}" if self.revision else self.repository


class Approval(NamedTuple):
    """Who approved an entry, on which day, and the last day before it must be looked at again."""

    by: str
    on: date
    review_by: date
    self_approved: bool = False
    ticket: str | None = None


class Use(NamedTuple):
    """What an artifact may be used for, with data of which classes, by which groups of accounts,
    and with which safeguards around it. No groups: by every account. Safeguards are for people:
    every start shows and records them, and no machine can tell whether they are kept."""

    purposes: tuple[str, ...]
    data_classes: tuple[str, ...]
    groups: tuple[str, ...] = ()
    safeguards: tuple[str, ...] = ()


class Entry(NamedTuple):
    """One artifact. ``gguf`` is None only for a dataset. ``companions`` are the identifiers of
    those adapters, projectors and drafts that may be loaded with a model; ``provenance`` says who
    signed the files before, and allows nothing."""

    id: str
    name: str
    kind: Kind
    licence: str
    source: Source
    files: tuple[ArtifactFile, ...]
    gguf: GgufFacts | None
    approval: Approval
    use: Use
    note: str | None = None
    companions: tuple[str, ...] = ()
    provenance: tuple[Provenance, ...] = ()


class Manifest(NamedTuple):
    """All entries, with the version that only rises and the last day on which it holds."""

    name: str
    version: int
    issued: date
    expires: date
    entries: tuple[Entry, ...]
    note: str | None = None


def parse_manifest(raw: bytes) -> Manifest:
    """Read a manifest. Raises DocumentError, naming the line or the field."""
    if len(raw) > _LARGE:
        from localai.manifest.written import read_written  # its pattern takes 10 ms to compile

        if manifest := read_written(decode_text(raw, limit=LIMIT)):
            return manifest
    return read_yaml(raw)


def read_yaml(raw: bytes) -> Manifest:
    """Read a manifest as YAML, in whatever style. Raises DocumentError like
    :func:`parse_manifest`, which does the same faster."""
    return read_shape(read_document(raw, limit=LIMIT), "manifest", _read_manifest)


def _read_manifest(fields: Fields) -> Manifest:
    if (schema := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{schema!r}: {SCHEMA} was expected")
    manifest = Manifest(
        name=fields.slug("name"),
        version=fields.integer("version", 1, LAST_VERSION),
        issued=fields.date("issued"),
        expires=fields.date("expires"),
        entries=fields.each("entries", _read_entry, most=ENTRIES),
        note=_read_note(fields),
    )
    if manifest.expires < manifest.issued:
        raise fields.refuse("expires", "lies before the day of issue")
    if problem := find_contradiction(manifest.entries):
        raise fields.refuse("entries", problem)
    return manifest


def find_contradiction(entries: Sequence[Entry]) -> str | None:
    """What of several entries cannot stand in one manifest: an identifier or a digest twice, or a
    companion that is none. A name that nothing bears here could be borne later by what nobody had
    in mind."""
    kinds: dict[str, Kind] = {}
    digests: set[str] = set()
    for entry in entries:
        if entry.id in kinds:
            return f"the id {entry.id} stands twice"
        kinds[entry.id] = entry.kind
        for file in entry.files:
            for digest in (file.sha256, file.tree):
                if digest in digests:
                    return f"the digest {digest} stands twice"
                if digest:
                    digests.add(digest)
    for entry in entries:
        for companion in entry.companions:
            if entry.kind is not Kind.MODEL or kinds.get(companion) not in COMPANIONS:
                return (
                    f"{entry.id}: companions: {companion}: a model's companions are adapters, "
                    "projectors and drafts of the same manifest"
                )
    return None


def _read_entry(fields: Fields) -> Entry:
    kind = fields.choice("kind", Kind)
    files = fields.each("files", read_file)
    entry = Entry(
        id=fields.slug("id"),
        name=fields.text("name"),
        kind=kind,
        licence=fields.text("licence"),
        source=fields.one("source", read_source),
        files=files,
        gguf=None if kind is Kind.DATASET else fields.one("gguf", read_gguf),
        approval=fields.one("approval", _read_approval),
        use=fields.one("use", read_use),
        note=_read_note(fields),
        companions=_read_some(fields, "companions") if fields.has("companions") else (),
        provenance=read_provenance(fields, (file.sha256 for file in files)),
    )
    if not entry.files:
        raise fields.refuse("files", "empty: an artifact has at least one file")
    names = [file.name.casefold() for file in entry.files]
    if len(set(names)) != len(names):
        raise fields.refuse("files", "two files have the same name")
    return entry


def read_file(fields: Fields) -> ArtifactFile:
    """One of ``files``. Raises DocumentError, as the readers below do."""
    name = fields.text("name", limit=255)
    if problem := find_name_problem(name):
        raise fields.refuse("name", f"{name!r} {problem}")
    return ArtifactFile(
        name=name,
        size=fields.integer("size", 1, LARGEST_FILE),
        sha256=fields.digest("sha256"),
        tree=fields.digest("tree-sha256") if fields.has("tree-sha256") else None,
    )


def read_source(fields: Fields) -> Source:
    """The mapping ``source``."""
    return Source(
        publisher=fields.text("publisher"),
        repository=fields.text("repository"),
        revision=fields.text("revision") if fields.has("revision") else None,
        bases=_read_some(fields, "bases") if fields.has("bases") else (),
        hub=fields.text("hub") if fields.has("hub") else None,
    )


def read_gguf(fields: Fields) -> GgufFacts:
    """The mapping ``gguf``."""
    return GgufFacts(
        architecture=fields.text("architecture"),
        tensors=fields.integer("tensors", 0, LAST_VERSION),
        template=fields.digest("template-sha256") if fields.has("template-sha256") else None,
    )


def _read_approval(fields: Fields) -> Approval:
    approval = Approval(
        by=fields.text("by"),
        on=fields.date("on"),
        review_by=fields.date("review-by"),
        self_approved=fields.boolean("self-approved") if fields.has("self-approved") else False,
        ticket=fields.text("ticket") if fields.has("ticket") else None,
    )
    if approval.review_by < approval.on:
        raise fields.refuse("review-by", "lies before the day of approval")
    return approval


def read_use(fields: Fields) -> Use:
    """The mapping ``use``."""
    return Use(
        purposes=_read_some(fields, "purposes"),
        data_classes=_read_some(fields, "data-classes"),
        groups=_read_some(fields, "groups") if fields.has("groups") else (),
        safeguards=_read_some(fields, "safeguards") if fields.has("safeguards") else (),
    )


def _read_some(fields: Fields, key: str) -> tuple[str, ...]:
    """A list that may be left out but not be empty: an empty one would read as nobody."""
    values = fields.texts(key)
    if not values:
        raise fields.refuse(key, "empty")
    return values


def _read_note(fields: Fields) -> str | None:
    return fields.text("note", limit=4000, lines=True) if fields.has("note") else None
