"""Wording for what changed in manifests, who is to sign, and what runs out. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from localai.cli.manifests.manifestscreen import manifest_document, show_verification
from localai.cli.screen import hang
from localai.findings import refused
from localai.manifest.diff import Change
from localai.manifest.schema import Manifest
from localai.manifest.standing import SOON, Ending, Standing
from localai.manifest.verify import Verification
from localai.terminal import printable


class Version(NamedTuple):
    """One version of a manifest, and the SHA-256 of its bytes."""

    manifest: Manifest
    sha256: str

    def __str__(self) -> str:
        return f"{self.manifest.name}, version {self.manifest.version}, sha256 {self.sha256}"


class Stand(NamedTuple):
    """What came of one manifest, and where it stands with its signers; None where there is no root
    of trust to say who they are, or no manifest."""

    path: Path
    verification: Verification
    standing: Standing | None


def show_changes(old: Version, new: Version, changes: Sequence[Change], width: int) -> str:
    """Both versions, then every change below what follows from it."""
    lines = [f"from  {old}", f"to    {new}"]
    if not changes:
        same = old.sha256 == new.sha256
        lines.append("the same bytes" if same else "nothing but layout, order or comments changed")
    for effect, some in groupby(changes, key=lambda change: change.effect):
        lines.append(f"{effect}:")
        for change in some:
            text = printable(f"{change.entry or 'the manifest'}: {change.what}")
            lines += hang("  - ", 4, text, width)
    return "\n".join(lines)


def changes_document(old: Version, new: Version, changes: Sequence[Change]) -> dict[str, object]:
    """The document ``localai.manifest-diff/1``. ``entry`` is null for the manifest itself."""
    return {
        "schema": "localai.manifest-diff/1",
        "old": _version_document(old),
        "new": _version_document(new),
        "changes": [
            {"effect": change.effect.value, "entry": change.entry or None, "what": change.what}
            for change in changes
        ],
    }


def show_status(stands: Sequence[Stand], endings: Sequence[Ending], width: int) -> str:
    """Each manifest with its signers, then what runs out."""
    lines = [line for stand in stands for line in _stand_lines(stand, width)]
    title = f"runs out within {SOON} days"
    if not endings:
        return "\n".join([*lines, f"nothing {title}"])
    lines.append(f"{title}:")
    for ending in endings:
        text = f"{ending.last}, {show_left(ending.left)}: {printable(ending.what)}"
        lines += hang("  - ", 4, text, width)
    return "\n".join(lines)


def status_document(stands: Sequence[Stand], endings: Sequence[Ending]) -> dict[str, object]:
    """The document ``localai.manifest-status/1``: of ``localai.manifest-verification/1`` the
    manifests, with those who signed and those who still may. ``days_left`` is negative for what
    ran out."""
    return {
        "schema": "localai.manifest-status/1",
        "manifests": [_stand_document(stand) for stand in stands],
        "within_days": SOON,
        "endings": [
            {"what": ending.what, "last_day": str(ending.last), "days_left": ending.left}
            for ending in endings
        ],
    }


def _stand_lines(stand: Stand, width: int) -> Iterator[str]:
    yield show_verification(stand.path, stand.verification, width)
    standing = stand.standing
    if standing is None:
        return
    if standing.signed and not stand.verification.signers:
        yield from hang("  signed by  ", 13, printable(", ".join(standing.signed)), width)
    if standing.needed:
        who = f"{standing.needed} more of {', '.join(standing.others) or 'nobody'}"
        if standing.needed > len(standing.others):
            who += ": never enough, the root of trust needs another key (localai trust add-key)"
        yield from hang("  missing    ", 13, printable(who), width)


def _stand_document(stand: Stand) -> dict[str, object]:
    standing = stand.standing or Standing((), (), 0)
    return {
        **manifest_document(stand.path, stand.verification),
        "in_force": not refused(stand.verification.findings),
        "signers": list(standing.signed),
        "may_still_sign": list(standing.others),
        "threshold": standing.threshold,
    }


def show_left(days: int) -> str:
    """How long something still holds; its last day is day 0."""
    count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    if days == 0:
        return "the last day"
    return f"{count} left" if days > 0 else f"over since {count}"


def _version_document(version: Version) -> dict[str, object]:
    return {
        "name": version.manifest.name,
        "version": version.manifest.version,
        "sha256": version.sha256,
    }
