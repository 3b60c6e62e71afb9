"""When a manifest is too old, or older than one that was seen: versions that only rise, expiry.

Source: the TUF specification 1.0.33, 5.4 to 5.6 (rollback and freeze attacks).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256

from localai.errors import StateError
from localai.findings import Finding, Verdict
from localai.manifest.floor import Floor
from localai.manifest.schema import Manifest
from localai.manifest.trust import Role

FRESHNESS = "manifest-freshness"
SOON = 14
"""Days before the end from which the screen says so."""

_ZONES = timedelta(days=1)  # the signer's day may have begun earlier than ours
_RENEW = "ask its signers for a newer one (localai manifest sign FILE --days 90)"


def check_version(seen: Floor, floor: Floor | None) -> Finding | None:
    """Step 9: versions only rise, and one version has one content. A floor that was reached
    under other keys does not count."""
    if floor is None or floor.keys != seen.keys:
        return None
    if seen.version < floor.version:
        return Finding(
            FRESHNESS,
            Verdict.FAIL,
            "rolled back",
            f"version {seen.version}, but version {floor.version} was seen on this host",
            why="an older manifest may approve what was withdrawn since",
            remedy=f"get version {floor.version} or a newer one from its signers",
        )
    if seen.version == floor.version and seen.sha256 != floor.sha256:
        return Finding(
            FRESHNESS,
            Verdict.FAIL,
            "two contents, one version",
            f"version {seen.version} was sha256 {floor.sha256} before, now {seen.sha256}",
            why="somebody signed two different manifests under one version",
            remedy="ask its signers which is right; they raise the version and sign again",
        )
    return None


def check_dates(manifest: Manifest, today: date) -> Finding:
    """Step 10: it was issued, and has not run out."""
    if today < manifest.issued - _ZONES:
        evidence = f"issued on {manifest.issued}, and this host says {today}"
        remedy = "set the clock of this host"
        why = "a clock that is behind would let manifests live on"
        return Finding(FRESHNESS, Verdict.FAIL, "not yet issued", evidence, why, remedy)
    left = (manifest.expires - today).days
    if left < 0:
        evidence = f"it held until {manifest.expires}, today is {today}"
        why = "approvals are for a time, then somebody looks again"
        return Finding(FRESHNESS, Verdict.FAIL, "expired", evidence, why, _RENEW)
    days = "1 day" if left == 1 else f"{left} days"
    if left < SOON:
        return Finding(FRESHNESS, Verdict.NOTE, f"{days} left", f"until {manifest.expires}")
    return Finding(FRESHNESS, Verdict.PASS, f"{days} left", f"until {manifest.expires}")


def judge_unsigned(
    raw: bytes, manifest: Manifest, role: Role, today: date, floors: Mapping[str, Floor]
) -> Finding:
    """What ``manifest-freshness`` will be once ``role`` has signed ``raw``: for signers to know
    before they sign."""
    seen = Floor(manifest.version, sha256(raw).hexdigest(), role.fingerprint)
    return check_version(seen, floors.get(manifest.name)) or check_dates(manifest, today)


def check_clock(manifest: Manifest, today: date) -> None:
    """Raise StateError where this host's clock is behind a manifest that is to be changed: what is
    written now would bear days before it, and be over by the time the clock is right."""
    if today < manifest.issued - _ZONES:
        raise StateError(
            f"{manifest.name} was issued on {manifest.issued}, and this host says {today}; "
            "nothing was changed",
            hint="set the clock of this host; if it is right, issued in the manifest is wrong",
        )
