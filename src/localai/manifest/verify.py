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
from localai.manifest.floor import Floor
from localai.manifest.freshness import FRESHNESS, check_dates, check_version
from localai.manifest.revocation import NOTHING, Revocations, Revoked
from localai.manifest.schema import LIMIT, Entry, Manifest, parse_manifest
from localai.manifest.trust import Role, Root, fingerprint_root, is_signed_by_itself, parse_root

SIGNATURE = "manifest-signature"

_PIN = "get the root of trust from your security officer, then: localai trust init FILE"
_FOLLOW = "get newer roots from your security officer, then: localai trust update FILE..."
_SIGN = "localai manifest sign FILE, by as many keys as the root of trust asks for"


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
    """

    findings: tuple[Finding, Finding]
    sha256: str
    authority: Authority
    manifest: Manifest | None = None
    signers: tuple[str, ...] = ()
    threshold: int = 0
    floor: Floor | None = None
    revocations: Revocations = NOTHING

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that count: none at all if a finding refuses, and none that is revoked."""
        if self.manifest is None or refused(self.findings):
            return ()
        return self.revocations.keep(self.manifest.entries)

    def find_revoked(self, entry: Entry) -> Revoked | None:
        """Why an entry of this manifest does not count any more; None if it does."""
        return self.revocations.find(entry)


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
    revocations: Revocations = NOTHING,
) -> Verification:
    """Verify a manifest's exact bytes against its detached envelope and the root of trust.

    ``floors`` holds what was seen before, by the manifest's name. Nothing is raised for a
    manifest that is wrong in any way: the findings say so.
    """
    digest = sha256(raw).hexdigest()
    signers = _verify_signatures(raw, envelope, trust, revocations)
    if trust.root is None or isinstance(signers, Finding):
        refusal = signers if isinstance(signers, Finding) else _distrusted(trust)
        return _refuse(refusal, digest, trust.authority)
    role = trust.root.manifest
    # (6) What was signed is read strictly.
    try:
        manifest = parse_manifest(raw)
    except DocumentError as error:
        remedy = "correct it, raise its version and sign it again (localai manifest sign FILE)"
        return _refuse(_fail("malformed", error.message, remedy), digest, trust.authority)
    seen = Floor(manifest.version, digest, role.fingerprint)
    rolled_back = check_version(seen, floors.get(manifest.name))
    own = trust.authority is Authority.OWN
    signature = Finding(
        SIGNATURE,
        Verdict.NOTE if own else Verdict.PASS,
        f"version {manifest.version}",
        f"{manifest.name}, {len(signers)} of {role.threshold} signatures"
        + (", own root of trust" if own else ""),
    )
    return Verification(
        (signature, rolled_back or check_dates(manifest, today)),
        digest,
        trust.authority,
        manifest,
        signers,
        role.threshold,
        None if rolled_back else seen,
        revocations,
    )


def judge_unsigned(
    raw: bytes, manifest: Manifest, role: Role, today: date, floors: Mapping[str, Floor]
) -> Finding:
    """What ``manifest-freshness`` will be once ``role`` has signed ``raw``: for signers to know
    before they sign."""
    seen = Floor(manifest.version, sha256(raw).hexdigest(), role.fingerprint)
    return check_version(seen, floors.get(manifest.name)) or check_dates(manifest, today)


def refuse_unread(problem: str, remedy: str, authority: Authority) -> Verification:
    """The verification of a manifest whose file could not be read at all."""
    return _refuse(_fail("unreadable", problem, remedy), "", authority)


def _verify_signatures(
    raw: bytes, envelope: bytes | None, trust: Trust, revocations: Revocations
) -> tuple[str, ...] | Finding:
    """Steps 1 to 5: the names of the keys that signed, or the finding that refuses."""
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
    role = revocations.strip(trust.root.manifest)
    # (3) There are signatures, over something of our type.
    if envelope is None:
        return _fail("unsigned", "there is no .dsse.json beside it", _SIGN)
    try:
        signed = parse_envelope(envelope)
    except DocumentError as error:
        return _fail("signatures malformed", error.message, _SIGN)
    if signed.payload_type != MANIFEST_TYPE:
        evidence = f"payload type {signed.payload_type}, expected {MANIFEST_TYPE}"
        return _fail("signed as something else", evidence, _SIGN)
    # (4) Some hold over these exact bytes, by keys of the role that are not revoked, whatever
    # key ids they carry.
    signers = role.find_signers(MANIFEST_TYPE, raw, signed)
    if not signers:
        why = "it was changed after it was signed, or signed by keys that the root does not list"
        return _fail("not signed by a trusted key", f"0 of {role.threshold} signatures", _SIGN, why)
    # (5) They are as many different keys as the root asks for.
    if len(signers) < role.threshold:
        evidence = f"{len(signers)} of {role.threshold} signatures: {', '.join(signers)}"
        why = "each key counts once, however often it signed"
        return _fail("too few signatures", evidence, _SIGN, why)
    return signers


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
