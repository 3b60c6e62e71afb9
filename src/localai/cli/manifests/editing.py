"""Begin, extend and sign manifests on disk, for ``localai manifest`` and ``localai approve``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from localai.approval import approve_alone, find_denied
from localai.atomicfile import write_whole
from localai.cli.choosing import choose_key, choose_manifest
from localai.cli.roots.revoking import load_here
from localai.cli.surroundings import Surroundings
from localai.errors import StateError, UsageError
from localai.findings import Finding
from localai.gguf.facts import GgufFile
from localai.hashing import Progress
from localai.inspection.candidate import Candidate
from localai.inspection.proposed import propose
from localai.inspection.types import Inspection
from localai.manifest import envelope
from localai.manifest.change import changing, read_signatures, write_signed
from localai.manifest.draft import Draft, Stated, complete, name_artifact
from localai.manifest.floor import Floor, read_floors
from localai.manifest.folders import check_count
from localai.manifest.freshness import check_clock, judge_unsigned
from localai.manifest.load import load_trust, read_manifest, verify_file
from localai.manifest.proposal import Proposal, write_proposal
from localai.manifest.schema import Approval, parse_manifest
from localai.manifest.signature import PrivateKey, PublicKey
from localai.manifest.signing import add_signature, begin_manifest
from localai.manifest.trust import Role
from localai.manifest.verify import Verification
from localai.manifest.write import renew, write_manifest
from localai.places import make_private
from localai.plan.gates.policy_read import judge_unreadable
from localai.plan.matching import judge_revoked
from localai.smallfile import is_there


def begin(around: Surroundings, name: str, days: int) -> Path:
    """Write an empty manifest and return its path. Raises StateError if there is one already."""
    path = choose_manifest(around.places, name)
    check_count(path)
    manifest = begin_manifest(path.stem, around.today, days)
    raw = write_manifest(manifest)
    if path.parent == around.places.manifests:
        make_private(path.parent)
    write_whole(path, raw, mode=0o644, replace=False)
    return path


def propose_model(
    around: Surroundings, model: Path, stated: Stated, progress: Progress
) -> tuple[Proposal | None, Inspection]:
    """Inspect and measure an artifact, with all its parts; no proposal if a finding forbids it.
    What was found comes back either way. Raises DocumentError if it cannot be read."""
    with closing(Candidate(model, progress, stated.kind)) as candidate:
        found = candidate.inspection
        if candidate.refused:
            return None, found._replace(findings=candidate.findings)
        name_artifact(stated.name, found.headers, model.name)
        measured = candidate.measure(progress)
    return propose(found, measured, stated, around.account_name(), around.today), found


def keep_proposal(proposal: Proposal) -> Path:
    """Write a proposal into the working directory, where no manifest counts, and return its path.
    Raises StateError if there is such a file already."""
    path = Path(f"{proposal.draft.id}.proposal.json")
    if is_there(path):
        raise StateError(
            f"{path} exists already, and a proposal is never written over",
            hint="move that file away first; propose and approve also take --id TEXT",
        )
    write_whole(path, write_proposal(proposal), mode=0o644, replace=False)
    return path


def find_obstacles(
    around: Surroundings, draft: Draft, headers: Sequence[GgufFile]
) -> tuple[Finding, ...]:
    """Why every start on this host would refuse what is drafted, whoever signs it. Rules about
    licences and origins are asked once both are known."""
    loaded = around.read_policy()
    found = [judge_unreadable(loaded)] if loaded.problem else []
    if draft.licence and draft.source:
        entry = complete(draft._replace(unknown=()), approve_alone("nobody", around.today, 0))
        found += find_denied(entry, headers, loaded.policy, around.today)
    if revoked := load_here(around).find(draft):
        found.append(judge_revoked(revoked))
    return tuple(found)


def approve_as(
    around: Surroundings, by: str | None, ticket: str | None, days: int, *, proposer: str
) -> Approval:
    """An approval from today on. Who names nobody approves as this account, and for themselves if
    they also proposed it."""
    account = around.account_name()
    review_by = around.today + timedelta(days=days)
    alone = by is None and proposer == account
    return Approval(by or account, around.today, review_by, alone, ticket)


def sign_manifest(
    around: Surroundings, manifest: str | None, key: str | None, days: int | None
) -> tuple[Path, Verification]:
    """Sign a manifest, with ``days`` after its version was raised and its dates were renewed, and
    verify the result. Raises UsageError if the signature would be worth nothing."""
    path = choose_manifest(around.places, manifest)
    shown, _ = read_manifest(path)
    private = choose_key(around.places, key)  # it may ask, and nobody waits for an answer
    with changing(path.parent):
        before, _ = read_manifest(path)
        if before != shown:
            raise StateError(
                f"{path} was changed meanwhile; nothing was signed",
                hint="read it again (localai manifest show), then run the command again",
            )
        raw = before if days is None else renew(before, around.today, days)
        signed = _sign(around, path, raw, private, before)
        if raw == before:
            write_whole(envelope.envelope_beside(path), signed, mode=0o644)
        else:
            write_signed(path, raw, signed)
    return path, verify_file(path, around.places, around.today)


def _sign(
    around: Surroundings, path: Path, raw: bytes, private: PrivateKey, before: bytes
) -> bytes:
    present = read_signatures(path)
    keys = keys_that_count(around, path, raw)
    if keys is not None and private.public not in keys:
        raise UsageError(
            "the root of trust does not list this key: its signature would count for nothing",
            hint="sign with a key that localai trust show lists",
        )
    return add_signature(envelope.MANIFEST_TYPE, raw, private, present, keys, before)


def keys_that_count(around: Surroundings, path: Path, raw: bytes) -> list[PublicKey] | None:
    """The keys whose signatures over the manifest ``raw`` count; None without a root of trust.

    Raises UsageError if it would be refused however many sign it, DocumentError if malformed.
    """
    trust = load_trust(around.places, around.today)
    if trust.root is None:
        return None
    floors = read_floors(around.places.state)
    lane = trust.root.lane
    roles: list[tuple[Role, Mapping[str, Floor]]] = [(trust.root.manifest, floors.manifests)]
    roles += [(lane.role, floors.lanes)] if lane else []
    manifest = parse_manifest(raw)
    check_clock(manifest, around.today)
    judged = [judge_unsigned(raw, manifest, role, around.today, seen) for role, seen in roles]
    if all(freshness.refuses for freshness in judged):
        raise UsageError(
            f"signed like this it would be refused: {judged[0].summary}, {judged[0].evidence}",
            hint=f"raise its version and renew its dates: localai manifest sign {path} --days 90",
        )
    return [key.public for role, _ in roles for key in role.keys]
