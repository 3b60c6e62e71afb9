"""Where a manifest stands with its signers, and what runs out: for people, who sign and renew.

Pure. Nothing here decides whether a manifest counts: :mod:`localai.manifest.verify` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from localai.errors import DocumentError
from localai.manifest.envelope import MANIFEST_TYPE, parse_envelope
from localai.manifest.schema import Manifest
from localai.manifest.trust import Role

SOON = 90
"""Days before an end from which it is told."""


class Standing(NamedTuple):
    """Whose signatures over these bytes hold, who else may sign, and how many must in all."""

    signed: tuple[str, ...]
    others: tuple[str, ...]
    threshold: int

    @property
    def needed(self) -> int:
        """How many signatures are still missing."""
        return max(0, self.threshold - len(self.signed))


class Ending(NamedTuple):
    """Something that runs out: its last day, and how many days are left (negative: over since)."""

    what: str
    last: date
    left: int


def find_standing(raw: bytes, envelope: bytes | None, role: Role) -> Standing:
    """Who signed ``raw``. An envelope that cannot be read holds no signature."""
    signed: tuple[str, ...] = ()
    try:
        if envelope is not None:
            signed = role.find_signers(MANIFEST_TYPE, raw, parse_envelope(envelope))
    except DocumentError:
        pass  # the finding of verify_manifest says so
    others = tuple(key.name for key in role.keys if key.name not in signed)
    return Standing(signed, others, role.threshold)


def find_nearest(raw: bytes, envelope: bytes | None, roles: Iterable[Role]) -> Standing:
    """Where ``raw`` stands with those of ``roles`` who signed it; with the first if nobody did."""
    found = [find_standing(raw, envelope, role) for role in roles]
    signed = [one for one in found if one.signed]
    return min(signed, key=lambda one: one.needed) if signed else found[0]


def ends_of(manifest: Manifest) -> Iterator[tuple[str, date]]:
    """The last day of a manifest, and the day by which each entry must be looked at again."""
    yield f"manifest {manifest.name}", manifest.expires
    for entry in manifest.entries:
        yield f"review of {entry.id} in {manifest.name}", entry.approval.review_by


def find_endings(ends: Iterable[tuple[str, date]], today: date) -> list[Ending]:
    """What of ``ends`` (what, its last day) runs out in less than ``SOON`` days, or has, the
    earliest first."""
    found = [
        Ending(what, last, left) for what, last in ends if (left := (last - today).days) < SOON
    ]
    return sorted(found, key=lambda ending: (ending.last, ending.what))
