"""The list of what is revoked, ``localai.revocation/1``: it can deny, and nothing else.

A small YAML file beside the root of trust, ``revocation.yaml``, signed like a manifest by the keys
of the role ``revocation``, which has a threshold of its own: to stop something may need fewer
people than to allow it. It names files by their SHA-256 or their tree digest (a start goes by
either, so an entry that lies about one of them must not hide the other), entries by their
identifier, and keys whose signatures under manifests count no longer. A key of the root itself is
replaced by the next root (:mod:`localai.manifest.rotation`), not here.

Nothing in it expires: what was revoked stays so until its signers leave it out. Whoever takes the
file away is noticed, once it was seen (:mod:`localai.manifest.floor`); a newer list that is
withheld is not, and the manifest's own expiry bounds that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from localai.document import encode_text, read_document
from localai.errors import DocumentError
from localai.manifest.envelope import parse_envelope
from localai.manifest.floor import Floor
from localai.manifest.schema import Entry
from localai.manifest.trust import LAST_VERSION, Role
from localai.shape import Fields, read_shape

if TYPE_CHECKING:
    from localai.manifest.draft import Draft

SCHEMA = "localai.revocation/1"
TYPE = "application/vnd.localai.revocation.v1+yaml"
LIMIT = 256 * 1024
"""Bytes that a list may have."""

_BEGIN = "localai trust revoke"
_REMEDY = "get revocation.yaml and revocation.dsse.json from your security officer"


class Kind(StrEnum):
    """What a line of the list names."""

    SHA256 = "sha256"
    TREE = "tree-sha256"
    ENTRY = "entry"
    KEY = "key"


class Revoked(NamedTuple):
    """One line: what is revoked, since which day, and why."""

    kind: Kind
    value: str
    on: date
    reason: str


class RevocationList(NamedTuple):
    """The whole list, with its version, which only rises."""

    version: int
    issued: date
    revoked: tuple[Revoked, ...]


class Revocations(NamedTuple):
    """What came of the list on this host: its lines, or the ``problem`` for which nothing may run.

    ``floor`` is what to remember of it, None if that would be wrong or there is no list.
    """

    revoked: tuple[Revoked, ...] = ()
    version: int = 0
    signers: tuple[str, ...] = ()
    problem: str = ""
    evidence: str = ""
    remedy: str = ""
    floor: Floor | None = None

    def strip(self, role: Role) -> Role:
        """``role`` without the keys that are revoked; its threshold stays."""
        gone = {one.value for one in self.revoked if one.kind is Kind.KEY}
        return role._replace(
            keys=tuple(key for key in role.keys if key.public.fingerprint not in gone)
        )

    def keep(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Those of many entries that nothing denies."""
        if not self.revoked:
            return tuple(entries)
        listed = {(one.kind, one.value) for one in self.revoked}
        return tuple(entry for entry in entries if not _names_of(entry) & listed)

    def find(self, entry: Entry | Draft) -> Revoked | None:
        """The line that denies an entry: by its identifier, or by a digest of one of its files,
        under whatever identifier."""
        names = _names_of(entry)
        return next((one for one in self.revoked if (one.kind, one.value) in names), None)


def names_of_files(entry: Entry | Draft) -> tuple[tuple[Kind, str], ...]:
    """Every digest by which a list can deny the files of an entry."""
    return tuple(
        (kind, digest)
        for file in entry.files
        for kind, digest in ((Kind.SHA256, file.sha256), (Kind.TREE, file.tree))
        if digest
    )


def _names_of(entry: Entry | Draft) -> set[tuple[Kind, str]]:
    return {(Kind.ENTRY, entry.id), *names_of_files(entry)}


NOTHING = Revocations()
"""No list: nothing is revoked."""


def parse_revocations(raw: bytes) -> RevocationList:
    """Read a list. Raises DocumentError, naming the line or the field."""
    return read_shape(read_document(raw, limit=LIMIT), "revocation", _read_list)


def verify_revocations(
    raw: bytes | None, envelope: bytes | None, role: Role | None, floor: Floor | None
) -> Revocations:
    """Decide what is revoked: the list's exact bytes, its envelope, the root's role for it, and
    what was seen of it before. What is wrong comes back as a problem: nothing is raised."""
    # (1) There is one, unless none was ever seen here, or nobody may sign one any more.
    if raw is None:
        if floor is None or role is None:
            return NOTHING
        missing = _refuse(
            "revocation list missing", f"version {floor.version} was seen on this host"
        )
        if floor.keys == role.fingerprint:
            return missing
        return missing._replace(remedy=f"{_REMEDY}; its new keys may begin one: {_BEGIN}")
    # (2) Somebody may sign it, and (3) enough of them did, over these exact bytes.
    if role is None:
        evidence = "the root of trust has no keys for the role revocation"
        return _refuse("revocation list unsigned", evidence)
    try:
        signed = parse_envelope(envelope or b"")
    except DocumentError as error:
        evidence = error.message if envelope else "there is no .dsse.json beside it"
        return _refuse("revocation list unsigned", evidence)
    signers = role.find_signers(TYPE, raw, signed) if signed.payload_type == TYPE else ()
    if len(signers) < role.threshold:
        evidence = f"{len(signers)} of {role.threshold} signatures"
        return _refuse("revocation list not signed by its keys", evidence)
    # (4) It is read strictly, once it is signed.
    try:
        found = parse_revocations(raw)
    except DocumentError as error:
        return _refuse("revocation list malformed", error.message)
    # (5) Versions only rise, and one version has one content, as long as the keys are the same.
    seen = Floor(found.version, sha256(raw).hexdigest(), role.fingerprint)
    if floor is not None and floor.keys == seen.keys:
        if seen.version < floor.version:
            evidence = f"version {seen.version}, but version {floor.version} was seen on this host"
            return _refuse("revocation list rolled back", evidence)
        if seen.version == floor.version and seen.sha256 != floor.sha256:
            evidence = f"two different lists of version {seen.version}"
            return _refuse("two contents, one version", evidence)
    return Revocations(found.revoked, found.version, signers, floor=seen)


def refuse_list(problem: str, remedy: str) -> Revocations:
    """What comes of a list that cannot be read at all."""
    return _refuse("revocation list unreadable", problem)._replace(remedy=remedy)


def _refuse(problem: str, evidence: str) -> Revocations:
    return Revocations(problem=problem, evidence=evidence, remedy=_REMEDY)


def _read_list(fields: Fields) -> RevocationList:
    if (schema := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{schema!r}: {SCHEMA} was expected")
    found = RevocationList(
        fields.integer("version", 1, LAST_VERSION),
        fields.date("issued"),
        fields.each("revoked", _read_line),
    )
    seen: set[tuple[Kind, str]] = set()
    for one in found.revoked:
        if (one.kind, one.value) in seen:
            raise fields.refuse("revoked", f"the {one.kind} {one.value} stands twice")
        seen.add((one.kind, one.value))
    return found


def _read_line(fields: Fields) -> Revoked:
    kinds = [kind for kind in Kind if fields.has(kind)]
    if len(kinds) != 1:
        raise fields.refuse("revoked", f"exactly one of {', '.join(Kind)} was expected")
    (kind,) = kinds
    value = fields.slug(kind) if kind is Kind.ENTRY else fields.digest(kind)
    return Revoked(kind, value, fields.date("on"), fields.text("reason"))


def write_revocations(found: RevocationList) -> bytes:
    """The list as YAML; ``parse_revocations`` of it gives an equal list.

    Raises DocumentError if the list breaks its own schema.
    """
    lines = [
        "# What must not run any more. Every byte of this file is signed: after a change raise",
        "# the version and sign again (localai trust sign --revocation).",
        f"schema: {SCHEMA}",
        f"version: {found.version}",
        f"issued: {found.issued}",
        "revoked:" if found.revoked else "revoked: []",
    ]
    for one in found.revoked:
        reason = json.dumps(one.reason, ensure_ascii=False)  # YAML 1.2.2, 7.3.1
        lines += [f"  - {one.kind}: {one.value}", f"    on: {one.on}", f"    reason: {reason}"]
    raw = encode_text("".join(f"{line}\n" for line in lines))
    if parse_revocations(raw) != found:
        raise DocumentError("the list does not read back as it was written")
    return raw
