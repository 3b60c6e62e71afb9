"""Find the entry that approves some bytes, and the manifest whose word counts.

Only digests decide. A size merely says which entries are worth hashing for, and a name nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.manifest.lane import Outside
    from localai.manifest.revocation import Revoked
    from localai.manifest.schema import ArtifactFile, Entry
    from localai.manifest.verify import LoadedManifest
    from localai.plan.facts import Facts


class Match(NamedTuple):
    """An entry, the file in it, and the manifest that holds it."""

    manifest: LoadedManifest
    entry: Entry
    file: ArtifactFile


def candidates(manifests: Iterable[LoadedManifest], size: int) -> tuple[Match, ...]:
    """All files of ``size`` bytes in manifests whose signatures hold: those in force first, and of
    them those of the role manifest. Where it spoke, the lane does not widen what it said."""
    ordered = sorted(
        manifests,
        key=lambda loaded: (not in_force(loaded), loaded.verification.frame is not None),
    )
    return tuple(
        Match(loaded, entry, _as_compared(loaded, file))
        for loaded in ordered
        if loaded.verification.manifest is not None
        for entry in loaded.verification.manifest.entries
        for file in entry.files
        if file.size == size
    )


def _as_compared(loaded: LoadedManifest, file: ArtifactFile) -> ArtifactFile:
    """The list of what is revoked knows files by SHA-256. Where there is one, that is computed for
    what the lane approved: its keys could name a revoked file by its tree digest alone, beside
    another SHA-256."""
    doubted = loaded.verification.frame and loaded.verification.revocations.revoked
    return file._replace(tree=None) if doubted else file


def find_match(
    found: Sequence[Match], *, sha256: str | None = None, tree: str | None = None
) -> Match | None:
    """The first candidate with these digests."""
    return next(iter(find_matches(found, sha256=sha256, tree=tree)), None)


def find_matches(
    found: Iterable[Match], *, sha256: str | None = None, tree: str | None = None
) -> tuple[Match, ...]:
    """All candidates with one of these digests. A candidate that names a digest which was
    computed and differs is none, even if the other digest agrees."""

    def agrees(match: Match) -> bool:
        pairs = ((sha256, match.file.sha256), (tree, match.file.tree))
        compared = [measured == named for measured, named in pairs if measured and named]
        return bool(compared) and all(compared)

    return tuple(match for match in found if agrees(match))


def agree(found: Sequence[Sequence[Match]]) -> Match | None:
    """The first match of the first file whose entry approves all files and has no others, or None.

    ``found`` holds all matches of each file, in order. Files that share one entry only by its
    name, or that stand in two manifests, are no set: one of those manifests may have expired.
    """
    for match in found[0] if found else ():
        same = [
            next((m for m in one if m.manifest is match.manifest and m.entry is match.entry), None)
            for one in found
        ]
        names = [m.file.name for m in same if m]
        if len(names) == len(set(names)) == len(found) == len(match.entry.files):
            return match
    return None


def find_namesake(manifests: Iterable[LoadedManifest], name: str) -> Match | None:
    """An entry's file of this name. It decides nothing, but it tells a damaged file from one that
    nobody approved."""
    named = (
        Match(loaded, entry, file)
        for loaded in manifests
        for entry in loaded.entries
        for file in entry.files
        if file.name == name
    )
    return next(named, None)


def find_revoked(manifests: Iterable[LoadedManifest], entry: Entry) -> Revoked | None:
    """The line of this host's revocation list that denies an entry. There is one list for all
    manifests, but where one manifest refuses for another reason it may not have looked at it."""
    found = (loaded.verification.find_revoked(entry) for loaded in manifests)
    return next((one for one in found if one), None)


def find_revoked_file(
    manifests: Iterable[LoadedManifest], digests: Collection[str]
) -> Revoked | None:
    """The line of that list that denies a file which no entry lists any more, by one of its digests
    (``tree-sha256:5c1e...``): otherwise its refusal would read as if it could be approved."""
    lines = (line for loaded in manifests for line in loaded.verification.revocations.revoked)
    return next((line for line in lines if f"{line.kind}:{line.value}" in digests), None)


def judge_revoked(revoked: Revoked) -> Finding:
    """What ``artifact-approved`` says of a revoked entry."""
    return Finding(
        "artifact-approved",
        Verdict.FAIL,
        "revoked",
        f"on {revoked.on}: {revoked.reason}",
        "who may sign the revocation list withdrew it, whatever a manifest says",
        "use another model, or ask your security officer",
    )


def find_outside(manifests: Iterable[LoadedManifest], digests: Iterable[str]) -> Outside | None:
    """What a lane's manifest lists with one of these digests and may not approve."""
    wanted = set(digests)
    return next(
        (
            one
            for loaded in manifests
            for one in loaded.verification.outside
            if any(wanted & {file.sha256, file.tree} for file in one.entry.files)
        ),
        None,
    )


def judge_outside(outside: Outside) -> Finding:
    """What ``artifact-approved`` says of an entry that the lane may not approve."""
    return Finding(
        "artifact-approved",
        Verdict.FAIL,
        "outside the lane",
        f"{outside.entry.id}: {outside.why}",
        "keys of the lane approve within its frame, and the role manifest what is wider",
        "ask your security officer to approve it",
    )


def without_entry(check: str) -> Finding:
    """The answer of a gate that asks what an approval says, where there is none."""
    evidence = "what is not in a manifest is approved for nothing"
    return Finding(check, Verdict.NOT_CHECKED, "no entry", evidence)


def name_origin(entry: Entry) -> str:
    """Where an artifact is from, for somebody who wants it again."""
    revision = f" at revision {entry.source.revision}" if entry.source.revision else ""
    return f"{entry.source.repository}{revision}"


def in_force(loaded: LoadedManifest) -> bool:
    """True if the manifest's signature and its freshness both allow."""
    findings = loaded.verification.findings
    return bool(findings) and not any(finding.refuses for finding in findings)


def judge_manifests(facts: Facts, check: str) -> Finding:
    """One finding of the given check for all manifests.

    With an entry, its manifest speaks. Without one, any manifest that is in force will do (what it
    does not list is then the artifact's own finding), and if none is, all say what is wrong.
    """
    if not facts.manifests and check != "manifest-signature":
        return Finding(check, Verdict.NOT_CHECKED, "not looked at", "there is no manifest")
    if not facts.manifests:
        return Finding(
            check,
            Verdict.FAIL,
            "no manifest",
            "nothing is approved here",
            why="only what a signed manifest lists may run",
            remedy="localai approve FILE",
        )
    named = facts.artifact.manifest if facts.artifact else ""
    asked = [loaded for loaded in facts.manifests if loaded.name == named] or [*facts.manifests]
    good = [loaded for loaded in asked if in_force(loaded)]
    if not good:
        return _join([_of(loaded, check) for loaded in asked])
    finding = _of(good[0], check)
    others = [loaded.name for loaded in facts.manifests if not in_force(loaded)]
    if not others or check != "manifest-signature":
        return finding
    evidence = f"{finding.evidence}, not in force: {', '.join(others)}"
    return Finding(check, Verdict.NOTE, finding.summary, evidence)


def _of(loaded: LoadedManifest, check: str) -> Finding:
    for finding in loaded.verification.findings:
        if finding.check == check:
            return finding
    return Finding(
        check, Verdict.NOT_CHECKED, "not checked", f"{loaded.name}: its signature comes first"
    )


def _join(findings: list[Finding]) -> Finding:
    """What refuses speaks, the first of it loudest."""
    refusing = [finding for finding in findings if finding.refuses] or findings
    first = refusing[0]
    return Finding(
        first.check,
        first.verdict,
        first.summary,
        "; ".join(finding.evidence for finding in refusing if finding.evidence),
        why=first.why,
        remedy="; ".join(dict.fromkeys(one.remedy for one in refusing if one.remedy)),
    )
