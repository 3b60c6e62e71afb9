"""Begin, extend and sign manifests on disk, for ``localai manifest`` and ``localai approve``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from localai.atomicfile import write_whole
from localai.cli.choosing import choose_key, choose_manifest
from localai.cli.surroundings import Surroundings
from localai.errors import StateError, UsageError
from localai.hashing import Progress
from localai.inspection.candidate import Candidate
from localai.inspection.types import Inspection
from localai.manifest import envelope
from localai.manifest.change import changing, read_signatures, write_signed
from localai.manifest.draft import Terms, draft_entry, name_artifact
from localai.manifest.floor import Floor, read_all_floors
from localai.manifest.freshness import judge_unsigned
from localai.manifest.load import load_trust, read_manifest, verify_file
from localai.manifest.schema import Approval, Entry, Kind, Source, Use, parse_manifest
from localai.manifest.signature import PrivateKey, PublicKey
from localai.manifest.signing import add_signature, begin_manifest
from localai.manifest.trust import Role
from localai.manifest.verify import Verification
from localai.manifest.write import add_entry, renew, write_manifest
from localai.places import make_private


def begin(around: Surroundings, name: str, days: int) -> Path:
    """Write an empty manifest and return its path. Raises StateError if there is one already."""
    path = choose_manifest(around.places, name)
    manifest = begin_manifest(path.stem, around.today, days)
    raw = write_manifest(manifest)
    if path.parent == around.places.manifests:
        make_private(path.parent)
    write_whole(path, raw, mode=0o644, replace=False)
    return path


def make_terms(
    around: Surroundings,
    *,
    source: Source,
    licence: str,
    by: str | None,
    ticket: str | None,
    review_days: int,
    purposes: Sequence[str] | None,
    data_classes: Sequence[str] | None,
    groups: Sequence[str] | None,
    safeguards: Sequence[str] | None,
    companions: Sequence[str] | None,
    names: tuple[str, str, str],
    note: str | None,
) -> Terms:
    """The terms of an entry from a command line; ``names`` are its identifier, name and kind.

    Nobody named in ``by`` means that the account approves for itself, and the entry says so.
    Raises UsageError for a kind that does not exist or is no GGUF file.
    """
    entry_id, name, kind = names
    if kind not in set(Kind) - {Kind.DATASET}:
        raise UsageError(f"no such kind: {kind}", hint="model, adapter, projector or draft")
    return Terms(
        source=source,
        licence=licence,
        approval=Approval(
            by=by or around.account_name(),
            on=around.today,
            review_by=around.today + timedelta(days=review_days),
            self_approved=by is None,
            ticket=ticket,
        ),
        use=Use(
            tuple(purposes or ("evaluation",)),
            tuple(data_classes or ("public",)),
            tuple(groups or ()),
            tuple(safeguards or ()),
        ),
        name=name,
        id=entry_id,
        kind=Kind(kind),
        note=note,
        companions=tuple(companions or ()),
    )


def add_model(
    around: Surroundings, model: Path, manifest: str | None, terms: Terms, progress: Progress
) -> tuple[Path, Entry | None, Inspection]:
    """Inspect and measure a model, with all parts of a split one, and write its entry into a
    manifest; no entry if a finding forbids it. What was found comes back either way.

    The signatures that the manifest had no longer hold. Raises DocumentError for a file that
    cannot be read or a manifest that is malformed or would become so.
    """
    path = choose_manifest(around.places, manifest)
    read_manifest(path)  # better now than after all of the model was read
    with closing(Candidate(model, progress, terms.kind)) as candidate:
        found = candidate.inspection
        if candidate.refused:
            return path, None, found
        name_artifact(terms.name, found.headers[0], model.name)
        entry = draft_entry(candidate.measure(progress), found.headers, terms)
    with changing(path.parent):
        raw, _ = read_manifest(path)
        write_whole(path, add_entry(raw, entry), mode=0o644)
    return path, entry, found


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
    floors = read_all_floors(around.places.state)
    lane = trust.root.lane
    roles: list[tuple[Role, Mapping[str, Floor]]] = [(trust.root.manifest, floors.manifests)]
    roles += [(lane.role, floors.lanes)] if lane else []
    manifest = parse_manifest(raw)
    judged = [judge_unsigned(raw, manifest, role, around.today, seen) for role, seen in roles]
    if all(freshness.refuses for freshness in judged):
        raise UsageError(
            f"signed like this it would be refused: {judged[0].summary}, {judged[0].evidence}",
            hint=f"raise its version and renew its dates: localai manifest sign {path} --days 90",
        )
    return [key.public for role, _ in roles for key in role.keys]
