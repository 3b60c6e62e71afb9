"""The conversation of ``localai approve``: look, ask, measure, sign."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from localai.approval import approve_alone, check_use, displaced_by, find_other, fit_into
from localai.cli import console, inspectscreen
from localai.cli.approvals.stating import ask_licence, ask_source
from localai.cli.choosing import choose_key
from localai.cli.manifests.editing import find_obstacles, keep_proposal
from localai.cli.roots.lane import LaneKey, find_lane_key
from localai.cli.setups import founding
from localai.cli.stores.naming import next_command
from localai.cli.surroundings import Surroundings
from localai.errors import Exit, StateError, UsageError
from localai.findings import Finding
from localai.gguf.facts import GgufFile
from localai.gguf.lineage import find_source
from localai.inspection.candidate import Candidate
from localai.inspection.proposed import propose
from localai.manifest.change import changing
from localai.manifest.draft import Stated, complete, name_artifact
from localai.manifest.freshness import SOON, check_clock
from localai.manifest.keyfile import load_public, public_beside
from localai.manifest.lane import find_outside
from localai.manifest.load import load_trust, verify_file
from localai.manifest.schema import LIMIT, Approval, Entry, Manifest, Use, parse_manifest
from localai.manifest.signature import PrivateKey
from localai.manifest.signing import MANIFEST_DAYS, begin_manifest
from localai.manifest.write import add_entry, renew, write_manifest
from localai.places import make_private
from localai.policy import DataClass, Policy
from localai.smallfile import is_there, read_small
from localai.terminal import printable, show_path


def approve(
    model: Path,
    stated: Stated,
    around: Surroundings,
    *,
    yes: bool,
    days: int,
    told: Sequence[str] = (),
) -> Exit:
    """Show the file, ask what no file can say, and write and sign the entry, or a proposal.

    ``told`` are the files' digests as somebody else shows them; empty if nobody does.
    """
    loaded = around.read_policy()
    _check_words(stated, loaded.policy, yes)
    with console.progress("looking", console.size_of(model)) as progress:
        candidate = Candidate(model, progress)
    with closing(candidate):
        found = candidate.inspection
        if candidate.refused:
            return _refuse(candidate.findings)
        name_artifact(stated.name, found.headers, model.name)
        console.say(inspectscreen.decision(found, console.width()))
        alone = loaded.policy.self_approval and _can_sign(around)
        lane = None if alone else find_lane_key(around)
        if alone and not founding.is_set_up(around):
            founding.set_up(around, founding.Wishes())
        stated = _ask(stated, found.headers)
        if not yes and not _confirm(stated.use, days):
            return _refuse()
        with console.progress("hashing", candidate.size) as progress:
            measured = candidate.measure(progress)
    if other := find_other(measured, told):
        return _refuse([other])
    proposal = propose(found, measured, stated, around.account_name(), around.today)
    entry = complete(proposal.draft, _approve_by(lane, around, days))
    if refused := find_obstacles(around, proposal.draft, found.headers):
        return _refuse(refused)
    console.say(inspectscreen.pinned(entry.files, console.width()))
    if lane and (outside := find_outside(lane.frame, [lane.name], [entry])):
        console.say(printable(f"outside the lane: {outside[0].why}"))
        lane = None
    if alone or lane:
        _sign(entry, lane, around)
        step = next_command(model, entry.kind, *around.places.stores)
        console.out(f"approved for {', '.join(entry.use.purposes)}: {step}")
    else:
        console.say("you cannot sign for this host alone: a proposal is written instead")
        path = keep_proposal(proposal)
        officer = loaded.policy.officer or "your security officer"
        console.out(f"proposal written: {show_path(path)}. send it to {officer}")
    return Exit.DONE


def _check_words(stated: Stated, policy: Policy, yes: bool) -> None:
    if denied := check_use(stated.use, policy.data_classes):
        unknown = "" if denied in set(DataClass) else "there is no such class; "
        allowed = ", ".join(policy.data_classes) or "none"
        raise UsageError(
            f"{denied} data: {unknown}the policy allows {allowed}",
            hint="--data-class with one of these",
        )
    if yes and not (stated.source and stated.licence):
        raise UsageError(
            "--yes needs to be told where the file is from and under which licence",
            hint="--source PUBLISHER/REPOSITORY --licence Apache-2.0",
        )


def _refuse(findings: Sequence[Finding] = ()) -> Exit:
    if findings:
        console.print_findings(findings)
    console.say("not approved, nothing was written")
    return Exit.REFUSED


def _can_sign(around: Surroundings) -> bool:
    """True if a key of one's own is enough here, or could be made to be."""
    if around.places.administered:
        return False
    trust = load_trust(around.places, around.today)
    if trust.root is None:
        return not trust.fingerprint  # there is none yet: setup makes one
    public = public_beside(founding.key_file(around.places))
    if trust.root.manifest.threshold > 1 or not is_there(public):
        return False
    return load_public(public) in [key.public for key in trust.root.manifest.keys]


def _approve_by(lane: LaneKey | None, around: Surroundings, days: int) -> Approval:
    """By whom: in the lane by the key that signs, and not beyond the lane's end."""
    if lane is None:
        return approve_alone(around.account_name(), around.today, days)
    review_by = min(around.today + timedelta(days=days), lane.frame.until)
    return Approval(lane.name, around.today, review_by)


def _ask(stated: Stated, headers: Sequence[GgufFile]) -> Stated:
    """What was not said; the file's own words are offered, if it has any."""
    named = headers[0].licence if headers else ""
    source = stated.source or ask_source(find_source(headers[0]) if headers else "")
    licence = stated.licence or ask_licence(named)
    if named and named.casefold() != licence.casefold():
        said = printable(inspectscreen.cut(named))
        console.say(f"note: the file itself names the licence {said}")
    return stated._replace(source=source, licence=licence)


def _confirm(use: Use, days: int) -> bool:
    purposes, data = ", ".join(use.purposes), ", ".join(use.data_classes)
    question = f"approve it for {purposes}, with {data} data, for {days} days?"
    return console.confirm(question, option="--yes")


def _sign(entry: Entry, lane: LaneKey | None, around: Surroundings) -> None:
    """Put the entry into the own manifest, or into that of one's key of the lane, which must be
    what its signature says, and sign it."""
    path = lane.manifest if lane else founding.manifest_file(around.places)
    file = lane.file if lane else founding.key_file(around.places)
    private = choose_key(around.places, str(file))  # it may ask, and nobody waits for an answer
    with changing(make_private(path.parent)):
        if lane and not is_there(path):
            empty = write_manifest(begin_manifest(path.stem, around.today))
            founding.store_manifest(path, empty, private)
        manifest = _put(entry, path, private, around)
    console.say(
        f"signed: {show_path(path)}, version {manifest.version}, holds until {manifest.expires}"
    )


def _put(entry: Entry, path: Path, private: PrivateKey, around: Surroundings) -> Manifest:
    verified = verify_file(path, around.places, around.today)
    if verified.manifest is None:
        signature = verified.findings[0]
        raise StateError(
            f"{path}: {signature.summary}: {signature.evidence}; nothing is added to it",
            hint=f"look at what changed in it; if it is right: localai manifest sign {path}",
        )
    before = read_small(path, limit=LIMIT)
    if before is None:
        raise StateError(f"{path} is gone", hint="run the command again")
    listed = parse_manifest(before)  # with what is outside of a lane, and stands there all the same
    check_clock(listed, around.today)
    entry = fit_into(listed, entry)
    if displaced_by(listed, entry):
        console.say(f"note: {entry.id} has some of these files: its other files are given up")
    raw = add_entry(before, entry)
    if (verified.manifest.expires - around.today).days < SOON:
        raw = renew(raw, around.today, MANIFEST_DAYS)
    founding.store_manifest(path, raw, private, before)
    return parse_manifest(raw)
