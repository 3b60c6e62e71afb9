"""Verify a root of trust and a manifest: numbered steps over bytes, no I/O, no clock.

The rules are TUF's where they apply to one offline file (specification 1.0.33, 5.4 to 5.6):
default deny, sizes capped, signatures over the raw bytes before anything parses them, thresholds
of distinct keys, versions that only rise, expiry. What no offline rule can notice is a newer
manifest that is withheld: only its expiry bounds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from localai.errors import DocumentError
from localai.findings import Finding, Verdict, refused
from localai.manifest.envelope import MANIFEST_TYPE, parse_envelope
from localai.manifest.floor import NO_FLOORS, Floor
from localai.manifest.freshness import FRESHNESS, check_dates, check_version
from localai.manifest.lane import Frame, Outside, find_outside, keep_inside
from localai.manifest.revocation import NOTHING, Revocations, Revoked
from localai.manifest.schema import LIMIT, Entry, Manifest, parse_manifest
from localai.manifest.trust import Role, Root, fingerprint_root, is_signed_by_itself, parse_root

SIGNATURE = "manifest-signature"

_PIN = "get the root of trust from your security officer, then: localai trust init FILE"
_FOLLOW = "get newer roots from your security officer, then: localai trust update FILE..."
_SIGN = "localai manifest sign FILE, by as many keys as the root of trust asks for"
_DOUBT = f"get it again from its signers; if it is meant so, read it and sign it anew: {_SIGN}"
_WIDEN = "ask your security officer: the role manifest may approve it, the role root may widen it"
_SHOWN = 3  # entries outside the lane that a finding names


class Authority(StrEnum):
    """Whose root of trust it is."""

    ADMINISTRATOR = "administrator"
    OWN = "own"


class Trust(NamedTuple):
    """What came of the root of trust. ``root`` is None if it cannot be relied on; then
    ``problem``, ``evidence`` and ``remedy`` say why."""

    authority: Authority
    root: Root | None
    fingerprint: str = ""
    problem: str = ""
    evidence: str = ""
    remedy: str = ""


class Verification(NamedTuple):
    """What came of one manifest.

    ``findings`` are always two: ``manifest-signature`` and ``manifest-freshness``. ``manifest``
    is None unless its signatures hold; only ``entries`` says what is approved. ``signers`` names
    the keys whose signatures hold, ``sha256`` is the digest of the exact bytes, and ``floor`` what
    is to be remembered, None if that would be wrong. ``revocations`` are those of this host.
    Where the keys of the lane signed, ``frame`` is what they may approve (None: the role manifest
    signed, and may approve anything), ``manifest`` has only the entries within it, and
    ``outside`` the others.
    """

    findings: tuple[Finding, Finding]
    sha256: str
    authority: Authority
    manifest: Manifest | None = None
    signers: tuple[str, ...] = ()
    threshold: int = 0
    floor: Floor | None = None
    revocations: Revocations = NOTHING
    frame: Frame | None = None
    outside: tuple[Outside, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that count: none at all if a finding refuses, and none that is revoked."""
        if self.manifest is None or refused(self.findings):
            return ()
        return self.revocations.keep(self.manifest.entries)

    def find_revoked(self, entry: Entry) -> Revoked | None:
        """Why an entry of this manifest does not count any more; None if it does."""
        return self.revocations.find(entry)


class _Signed(NamedTuple):
    """The keys whose signatures hold, the role that they are of, and the frame of the lane; None
    for the role manifest."""

    signers: tuple[str, ...]
    role: Role
    frame: Frame | None


class LoadedManifest(NamedTuple):
    """A manifest that lies on this host, and what came of it."""

    path: Path
    verification: Verification

    @property
    def name(self) -> str:
        manifest = self.verification.manifest
        return manifest.name if manifest else self.path.stem

    @property
    def sha256(self) -> str:
        return self.verification.sha256

    @property
    def findings(self) -> tuple[Finding, Finding]:
        return self.verification.findings

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.verification.entries


def verify_root(
    raw: bytes | None, envelope: bytes | None, authority: Authority, pin: str | None, today: date
) -> Trust:
    """Decide whether a root of trust can be relied on.

    ``raw`` and ``envelope`` are the files' bytes, None where there is none. The user's own root
    must be the one that was pinned (``pin``); the administrator's is pinned by its owner.
    """

    def distrust(problem: str, evidence: str = "", remedy: str = _PIN) -> Trust:
        return Trust(authority, None, fingerprint, problem, evidence, remedy)

    # (1) There is one.
    fingerprint = ""
    if raw is None:
        return distrust("no root of trust", remedy="localai setup, or localai trust init FILE")
    # (2) It is the one that was pinned.
    fingerprint = fingerprint_root(raw)
    if authority is Authority.OWN and pin is None:
        return distrust("root not pinned", f"root {fingerprint}")
    if authority is Authority.OWN and pin != fingerprint:
        return distrust("root is not the pinned one", f"pinned {pin}, found {fingerprint}")
    # (3) It can be read, and (4) those who hold its keys signed it.
    try:
        root = parse_root(raw)
        if envelope is None:
            return distrust("root unsigned", "there is no root.dsse.json beside it")
        if not is_signed_by_itself(root, raw, parse_envelope(envelope)):
            return distrust("root not signed by its own keys", f"threshold {root.root.threshold}")
    except DocumentError as error:
        return distrust("root malformed", error.message)
    # (5) It has not run out.
    if today > root.expires:
        return distrust("root expired", f"it held until {root.expires}", _FOLLOW)
    return Trust(authority, root, fingerprint)


def verify_manifest(
    raw: bytes,
    envelope: bytes | None,
    trust: Trust,
    *,
    today: date,
    floors: Mapping[str, Floor],
    lanes: Mapping[str, Floor] = NO_FLOORS,
    revocations: Revocations = NOTHING,
) -> Verification:
    """Verify a manifest's exact bytes against its detached envelope and the root of trust.

    ``floors`` holds what was seen before, by the manifest's name, ``lanes`` the same of manifests
    that the lane signed. Nothing is raised for a manifest that is wrong in any way: the findings
    say so.
    """
    digest = sha256(raw).hexdigest()
    signed = _verify_signatures(raw, envelope, trust, revocations)
    if isinstance(signed, Finding):
        return _refuse(signed, digest, trust.authority)
    signers, role, frame = signed
    # (6) What was signed is read strictly.
    try:
        manifest = parse_manifest(raw)
    except DocumentError as error:
        remedy = "correct it, raise its version and sign it again (localai manifest sign FILE)"
        return _refuse(_fail("malformed", error.message, remedy), digest, trust.authority)
    # (7) A lane is open until its last day, and (8) what is outside of its frame does not count.
    if frame and today > frame.until:
        evidence = f"{manifest.name}: its keys could approve until {frame.until}"
        return _refuse(_fail("lane ended", evidence, _WIDEN), digest, trust.authority)
    outside = find_outside(frame, signers, manifest.entries) if frame else ()
    seen = Floor(manifest.version, digest, role.fingerprint)
    # (9) Versions only rise, and (10) it is in date.
    rolled_back = check_version(seen, (lanes if frame else floors).get(manifest.name))
    return Verification(
        (
            _describe(manifest, signed, outside, trust.authority),
            rolled_back or check_dates(manifest, today),
        ),
        digest,
        trust.authority,
        keep_inside(manifest, outside),
        signers,
        role.threshold,
        None if rolled_back else seen,
        revocations,
        frame,
        outside,
    )


def _describe(
    manifest: Manifest, signed: _Signed, outside: tuple[Outside, ...], authority: Authority
) -> Finding:
    """The finding of a manifest whose signatures hold."""
    own = authority is Authority.OWN
    parts = [manifest.name, f"{len(signed.signers)} of {signed.role.threshold} signatures"]
    if signed.frame:
        parts.append(f"lane of {', '.join(signed.signers)} until {signed.frame.until}")
    if own:
        parts.append("own root of trust")
    evidence = "; ".join(
        [", ".join(parts)]
        + [f"outside the lane: {one.entry.id}: {one.why}" for one in outside[:_SHOWN]]
        + ([f"and {len(outside) - _SHOWN} more outside"] if len(outside) > _SHOWN else [])
    )
    verdict = Verdict.NOTE if own or outside else Verdict.PASS
    why = "what is wider than the lane needs the role manifest" if outside else ""
    remedy = _WIDEN if outside else ""
    return Finding(SIGNATURE, verdict, f"version {manifest.version}", evidence, why, remedy)


def refuse_unread(problem: str, remedy: str, authority: Authority) -> Verification:
    """The verification of a manifest whose file could not be read at all."""
    return _refuse(_fail("unreadable", problem, remedy), "", authority)


def _verify_signatures(
    raw: bytes, envelope: bytes | None, trust: Trust, revocations: Revocations
) -> _Signed | Finding:
    """Steps 1 to 5: whose signatures hold, or the finding that refuses."""
    # (1) The size is capped before anything looks at the bytes.
    if len(raw) > LIMIT:
        return _fail("too large", f"{len(raw)} bytes, more than {LIMIT}", "split it in two")
    # (2) There is a root of trust.
    if trust.root is None:
        return _distrusted(trust)
    # A list of what is revoked that cannot be relied on might have named any of these keys.
    if revocations.problem:
        why = "without the list nobody knows what must not run any more"
        return _fail(revocations.problem, revocations.evidence, revocations.remedy, why)
    # (3) There are signatures, over something of our type.
    if envelope is None:
        return _fail("unsigned", "there is no .dsse.json beside it", _SIGN)
    try:
        signed = parse_envelope(envelope)
    except DocumentError as error:
        return _fail("signatures malformed", error.message, _DOUBT)
    if signed.payload_type != MANIFEST_TYPE:
        evidence = f"payload type {signed.payload_type}, expected {MANIFEST_TYPE}"
        return _fail("signed as something else", evidence, _DOUBT)
    # (4) Some hold over these exact bytes, by keys of one role that are not revoked, whatever key
    # ids they carry, and (5) they are as many different keys as the root asks for of that role.
    root = trust.root
    roles: list[tuple[Role, Frame | None]] = [(root.manifest, None)]
    if root.lane:
        roles.append(root.lane)
    found = [
        _Signed(revocations.strip(role).find_signers(MANIFEST_TYPE, raw, signed), role, frame)
        for role, frame in roles
    ]
    for one in found:
        if len(one.signers) >= one.role.threshold:
            return one
    signers, role, _ = next((one for one in found if one.signers), found[0])
    if not signers:
        why = "it was changed after it was signed, or signed by keys that the root does not list"
        evidence = f"0 of {role.threshold} signatures"
        return _fail("not signed by a trusted key", evidence, _DOUBT, why)
    evidence = f"{len(signers)} of {role.threshold} signatures: {', '.join(signers)}"
    why = "each key counts once, however often it signed"
    return _fail("too few signatures", evidence, _SIGN, why)


def _distrusted(trust: Trust) -> Finding:
    return _fail(trust.problem, trust.evidence, trust.remedy)


def _fail(summary: str, evidence: str, remedy: str, why: str = "") -> Finding:
    why = why or "only what a trusted key signed approves anything"
    return Finding(SIGNATURE, Verdict.FAIL, summary, evidence, why, remedy)


def _refuse(signature: Finding, digest: str, authority: Authority) -> Verification:
    freshness = Finding(
        FRESHNESS, Verdict.NOT_CHECKED, "not looked at", "the signature already refuses"
    )
    return Verification((signature, freshness), digest, authority)
