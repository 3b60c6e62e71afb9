"""May what a bundle brings count on this host? Numbered steps, before the first byte of an artifact
is taken. Nothing is written.

The root of trust that is pinned here decides: a bundle can lead on from it, one version at a time,
as ``localai trust update`` does, and never begin one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.bundle.contents import Artifact, Contents, Signed
from localai.errors import DocumentError, UsageError
from localai.findings import Finding, Verdict
from localai.hashing import Digests
from localai.intact import judge_match
from localai.manifest.chain import Walk, read_trusted, walk_from
from localai.manifest.floor import Floor, read_floors
from localai.manifest.folders import find_manifests, imported_directory, manifest_directories
from localai.manifest.intake import refuse_rival
from localai.manifest.load import load_revocations, load_trust, verify_bytes, verify_files
from localai.manifest.revocation import NOTHING, Revocations, verify_revocations
from localai.manifest.rotation import SignedRoot
from localai.manifest.schema import Kind
from localai.manifest.trust import fingerprint_root
from localai.manifest.verify import Authority, LoadedManifest, Trust, verify_root
from localai.places import Places
from localai.plan.matching import Match, agree, candidates, find_matches
from localai.promotion import judge_apart
from localai.store.held import list_named

CHECK = "bundle"
ROOT = "root"
REVOCATION = "revocation"
_WHY = "what a bundle brings counts by the signatures that this host trusts, or not at all"


class Rules(NamedTuple):
    """What counts on this host once a bundle is imported: its root of trust, and what is revoked.

    ``walked`` leads to that root, None if there is none; ``listed`` is the bundle's own list of
    what is revoked, if it is newer than the one here.
    """

    trust: Trust
    walked: Walk | None
    revoked: Revocations
    listed: Signed | None = None


class Judged(NamedTuple):
    """The findings, and what follows from them if none refuses; ``kinds`` are what the artifacts
    are approved as, None for one that is not."""

    findings: tuple[Finding, ...]
    rules: Rules
    manifests: tuple[LoadedManifest, ...]
    kinds: tuple[Kind | None, ...] = ()


def judge(contents: Contents, places: Places, today: date, *, self_approval: bool) -> Judged:
    """Judge what a bundle holds. Raises StateError if this host's own files cannot be read."""
    # (1) Its roots lead on from the one that is pinned here.
    trust, walked, root = _judge_roots(contents.roots, places, today)
    if root.refuses:
        return Judged((root,), Rules(trust, walked, NOTHING), ())
    # (2) What is revoked: the newer one of its list and the one here.
    rules, revocation = _judge_revocations(contents.revocation, trust, walked, places)
    # (3) Its manifests are in force, as at a start, and (4) no other goes before them.
    brought = tuple(
        _verify_manifest(number, signed, rules, places, today)
        for number, signed in enumerate(contents.manifests, 1)
    )
    present = verify_files(
        [path for folder in manifest_directories(places) for path in find_manifests(folder)],
        places,
        today,
        root=rules.trust,
        revoked=rules.revoked,
    )
    findings = [root, *revocation, *(one for found in brought for one in found.findings)]
    findings += _judge_names(brought, present, imported_directory(places))
    # (5) Every artifact is one that an entry, here or in the bundle, approves.
    names = {one.name for one in brought}
    counting = (*brought, *(one for one in present if one.name not in names))
    matches = [_find_match(one, counting) for one in contents.artifacts]
    findings += [
        _judge_artifact(one, match, counting, today, self_approval)
        for one, match in zip(contents.artifacts, matches, strict=True)
    ]
    # (6) Its name is free in the store, or it is there already.
    findings += [taken for one in contents.artifacts if (taken := _judge_name(one, places.store))]
    kinds = tuple(match.entry.kind if match else None for match in matches)
    return Judged(tuple(findings), rules, brought, kinds)


def judge_flaw(error: DocumentError) -> Finding:
    """What is said of a bundle that is not as it was made."""
    why = "every byte of a bundle is one that must stand there"
    remedy = error.hint or "copy it again; an import goes on where it broke off"
    return Finding(CHECK, Verdict.FAIL, "not as it was made", error.message, why, remedy)


def _judge_roots(
    roots: Sequence[Signed], places: Places, today: date
) -> tuple[Trust, Walk | None, Finding]:
    trust = load_trust(places, today)
    try:
        walked = walk_from(read_trusted(places), [SignedRoot(*one) for one in roots])
    except DocumentError as error:
        remedy = _name_pinning(roots[-1], len(roots)) if roots else error.hint
        return trust, None, _fail(ROOT, trust.problem or "malformed", error.message, remedy)
    if step := walked.problem:
        return trust, walked, _fail(ROOT, step.problem, step.evidence, _name_other(places))
    evidence = "trusted here"
    if walked.accepted and places.administered:
        return trust, walked, _note_waiting(ROOT, "newer root", "localai trust update FOLDER")
    if walked.accepted:
        last = walked.accepted[-1].signed
        pin = fingerprint_root(last.raw)
        trust = verify_root(last.raw, last.envelope, Authority.OWN, pin, today)
        evidence = f"follows version {walked.start.version}"
    if trust.root is None:
        return trust, walked, _fail(ROOT, trust.problem, trust.evidence, trust.remedy)
    return trust, walked, Finding(ROOT, Verdict.PASS, f"version {trust.root.version}", evidence)


def _name_other(places: Places) -> str:
    """What somebody does whose host has another root of trust: setup may have made one here."""
    remedy = "ask for a bundle from a host with the root of trust of this one"
    if places.administered:
        return remedy
    return (
        f"{remedy}; or, if the one here was only made by localai setup, and nothing that was "
        f"approved with it is to count any longer: mv {quote(str(places.root))} root.json.old, "
        "and run this again"
    )


def _name_pinning(root: Signed, number: int) -> str:
    """What somebody does who has no root of trust yet: a bundle alone is no reason to trust one.
    Nor does tar read it as we do: of two members of one name it unpacks the last."""
    pin = fingerprint_root(root.raw)
    return (
        f"ask your security officer whether {pin} is the fingerprint, then: tar -xf BUNDLE roots; "
        f"localai trust init roots/{number}.root.json --fingerprint {pin}"
    )


def _judge_revocations(
    signed: Signed | None, trust: Trust, walked: Walk | None, places: Places
) -> tuple[Rules, list[Finding]]:
    seen = read_floors(places.state).revocation
    here = load_revocations(places, trust, seen)
    if signed is None or trust.root is None:
        return Rules(trust, walked, here), []
    found = verify_revocations(*signed, trust.root.revocation, None)
    if not found.problem and not _is_older(found.floor, here.floor):
        found = verify_revocations(*signed, trust.root.revocation, seen)
    if found.problem:
        finding = _fail(REVOCATION, found.problem, found.evidence, found.remedy)
        return Rules(trust, walked, found), [finding]
    if not here.problem and found.version <= here.version:
        return Rules(trust, walked, here), []
    rules = Rules(trust, walked, found, signed)
    if places.administered:
        copy = "ask the administrator to copy it beside root.json"
        return rules, [_note_waiting(REVOCATION, f"version {found.version}", copy)]
    signers = f"signed by {', '.join(found.signers)}"
    return rules, [Finding(REVOCATION, Verdict.PASS, f"version {found.version}", signers)]


def _is_older(found: Floor | None, here: Floor | None) -> bool:
    """Whether a list is one that this host has a newer one of: then that one counts."""
    return bool(found and here and found.keys == here.keys and found.version < here.version)


def _verify_manifest(
    number: int, signed: Signed, rules: Rules, places: Places, today: date
) -> LoadedManifest:
    verification = verify_bytes(*signed, places, today, root=rules.trust, revoked=rules.revoked)
    name = verification.manifest.name if verification.manifest else str(number)
    return LoadedManifest(imported_directory(places) / f"{name}.yaml", verification)


def _judge_names(
    brought: Sequence[LoadedManifest], present: Sequence[LoadedManifest], own: Path
) -> Iterator[Finding]:
    """What keeps a manifest out although it is in force."""
    names = [one.name for one in brought]
    for one in brought:
        if names.count(one.name) > 1:
            evidence = f"two manifests named {one.name}"
            yield _fail(CHECK, "one name, two contents", evidence, "ask for another bundle")
            return
        try:
            refuse_rival(one, present, own)
        except UsageError as error:
            yield _fail("manifest-freshness", "does not count here", error.message, error.hint)


def _find_match(artifact: Artifact, manifests: Sequence[LoadedManifest]) -> Match | None:
    """The entry of exactly these files."""
    return agree(
        [
            find_matches(candidates(manifests, one.size), sha256=one.sha256, tree=one.tree)
            for one in artifact.origin.files
        ]
    )


def _judge_artifact(
    artifact: Artifact,
    match: Match | None,
    manifests: Sequence[LoadedManifest],
    today: date,
    self_approval: bool,
) -> Finding:
    """What is said of an artifact whose bytes have the digests that are named: that they have is
    seen when they are taken."""
    if match is None:
        files = artifact.origin.files
        paths = [Path(one.name) for one in files]
        digests = [Digests(one.size, one.sha256, one.tree) for one in files]
        finding = judge_apart(paths, digests, manifests, today, self_approval=self_approval)
        remedy = "ask for a bundle with a manifest that lists it, or import that first"
        return finding._replace(evidence=f"{artifact.id}: {finding.evidence}", remedy=remedy)
    finding = judge_match(match, today, self_approval)
    return finding if finding.refuses else finding._replace(summary="approved")


def _judge_name(artifact: Artifact, store: Path) -> Finding | None:
    """What is wrong if something else has its name in the store."""
    files = [one[:3] for one in artifact.origin.files]  # the tree digest is not measured here
    for held in list_named(store, artifact.id):
        if held.origin is None or [one[:3] for one in held.origin.files] != files:
            evidence = f"another {artifact.id} is in the store"
            return _fail("store", "name taken", evidence, f"localai store remove {artifact.id}")
    return None


def _fail(check: str, summary: str, evidence: str, remedy: str) -> Finding:
    return Finding(check, Verdict.FAIL, summary, evidence, _WHY, remedy)


def _note_waiting(check: str, summary: str, remedy: str) -> Finding:
    evidence = "only the administrator puts it in force on this host"
    return Finding(check, Verdict.NOTE, summary, evidence, "", remedy)
