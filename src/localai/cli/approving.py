"""The conversation of ``localai approve``: look, ask, measure, sign."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.approval import (
    approve_alone,
    check_use,
    displaced_by,
    find_denied,
    fit_into,
    parse_source,
)
from localai.atomicfile import write_whole
from localai.cli import console, founding, inspectscreen
from localai.cli.choosing import choose_key
from localai.cli.lane import LaneKey, find_lane_key
from localai.cli.revoking import load_here
from localai.cli.surroundings import Surroundings
from localai.errors import Exit, StateError, UsageError
from localai.gguf.facts import GgufFile
from localai.gguf.lineage import find_source
from localai.inspection.candidate import Candidate
from localai.manifest.change import changing
from localai.manifest.draft import Terms, draft_entry, name_artifact
from localai.manifest.freshness import SOON
from localai.manifest.keyfile import load_public, public_beside
from localai.manifest.lane import find_outside
from localai.manifest.load import load_trust, verify_file
from localai.manifest.schema import Approval, Entry, Manifest, Use, parse_manifest
from localai.manifest.signature import PrivateKey
from localai.manifest.signing import MANIFEST_DAYS, begin_manifest
from localai.manifest.write import add_entry, renew, write_manifest
from localai.places import make_private
from localai.plan.matching import judge_revoked
from localai.policy import DataClass, Policy
from localai.smallfile import read_small
from localai.terminal import printable


class Asked(NamedTuple):
    """What was said on the command line."""

    model: Path
    source: str
    licence: str
    yes: bool
    name: str
    id: str
    purposes: tuple[str, ...]
    data_classes: tuple[str, ...]
    groups: tuple[str, ...]
    safeguards: tuple[str, ...]
    days: int


def approve(asked: Asked, around: Surroundings) -> Exit:
    """Show the file, ask what no file can say, and write and sign the entry, or a request."""
    loaded = around.read_policy()
    policy = loaded.policy
    use = Use(asked.purposes, asked.data_classes, asked.groups, asked.safeguards)
    if denied := check_use(use, policy.data_classes):
        unknown = "" if denied in set(DataClass) else "there is no such class; "
        allowed = ", ".join(policy.data_classes) or "none"
        raise UsageError(
            f"{denied} data: {unknown}the policy allows {allowed}",
            hint="--data-class with one of these",
        )
    if asked.yes and not (asked.source and asked.licence):
        raise UsageError(
            "--yes needs to be told where the model is from and under which licence",
            hint="--source PUBLISHER/REPOSITORY --licence Apache-2.0",
        )
    with console.progress("looking", console.size_of(asked.model)) as progress:
        candidate = Candidate(asked.model, progress)
    with closing(candidate):
        found = candidate.inspection
        if candidate.refused:
            console.print_findings(found.findings)
            console.say("not approved, nothing was written")
            return Exit.REFUSED
        name_artifact(asked.name, found.headers[0], asked.model.name)
        console.say(inspectscreen.decision(found, console.width()))
        alone = policy.self_approval and _can_sign(around)
        lane = None if alone else find_lane_key(around)
        if alone and not founding.is_set_up(around):
            founding.set_up(around, founding.Wishes())
        approval = _approve_by(lane, asked, around)
        terms = _ask_terms(asked, found.headers[0], use, approval)
        if not asked.yes and not _confirm(asked, use):
            console.say("not approved, nothing was written")
            return Exit.REFUSED
        with console.progress("hashing", candidate.size) as progress:
            entry = draft_entry(candidate.measure(progress), found.headers, terms)
    refused = find_denied(entry, found.headers, loaded, around.today)
    if revoked := load_here(around).find(entry):
        refused.append(judge_revoked(revoked))
    if refused:
        console.print_findings(refused)
        console.say("not approved, nothing was written")
        return Exit.REFUSED
    console.say(inspectscreen.pinned(entry.files, console.width()))
    if lane and (outside := find_outside(lane.frame, [lane.name], [entry])):
        console.say(printable(f"outside the lane: {outside[0].why}"))
        lane, entry = None, entry._replace(approval=_approve_by(None, asked, around))
    if alone or lane:
        _sign(entry, lane, around)
        console.out(
            f"approved for {', '.join(use.purposes)}: localai run {quote(str(asked.model))}"
        )
    else:
        console.say("you cannot sign for this host alone: a request is written instead")
        _request(entry, policy, around)
    return Exit.DONE


def _can_sign(around: Surroundings) -> bool:
    """True if a key of one's own is enough here, or could be made to be."""
    if around.places.administered:
        return False
    trust = load_trust(around.places, around.today)
    if trust.root is None:
        return not trust.fingerprint  # there is none yet: setup makes one
    public = public_beside(founding.key_file(around.places))
    if trust.root.manifest.threshold > 1 or not public.exists():
        return False
    return load_public(public) in [key.public for key in trust.root.manifest.keys]


def _approve_by(lane: LaneKey | None, asked: Asked, around: Surroundings) -> Approval:
    """By whom: in the lane by the key that signs, and not beyond the lane's end."""
    if lane is None:
        return approve_alone(around.account_name(), around.today, asked.days)
    review_by = min(around.today + timedelta(days=asked.days), lane.frame.until)
    return Approval(lane.name, around.today, review_by)


def _ask_terms(asked: Asked, header: GgufFile, use: Use, approval: Approval) -> Terms:
    source, licence = asked.source, asked.licence
    if not source:
        said = printable(inspectscreen.cut(find_source(header)))
        source = console.ask("where is it from (publisher/repository)", said, option="--source")
    if not licence:
        said = printable(inspectscreen.cut(header.licence))
        licence = console.ask("under which licence (SPDX)", said, option="--licence")
    if not (source.strip() and licence.strip()):
        raise UsageError(
            "an entry needs a source and a licence", hint="--source TEXT --licence TEXT"
        )
    if header.licence and header.licence.casefold() != licence.strip().casefold():
        said = printable(inspectscreen.cut(header.licence))
        console.say(f"note: the file itself names the licence {said}")
    return Terms(parse_source(source), licence.strip(), approval, use, asked.name, asked.id)


def _confirm(asked: Asked, use: Use) -> bool:
    purposes, data = ", ".join(use.purposes), ", ".join(use.data_classes)
    question = f"approve it for {purposes}, with {data} data, for {asked.days} days?"
    return console.confirm(question, option="--yes")


def _sign(entry: Entry, lane: LaneKey | None, around: Surroundings) -> None:
    """Put the entry into the own manifest, or into that of one's key of the lane, which must be
    what its signature says, and sign it."""
    path = lane.manifest if lane else founding.manifest_file(around.places)
    file = lane.file if lane else founding.key_file(around.places)
    private = choose_key(around.places, str(file))  # it may ask, and nobody waits for an answer
    with changing(make_private(path.parent)):
        if lane and not path.exists():
            empty = write_manifest(begin_manifest(path.stem, around.today))
            founding.store_manifest(path, empty, private)
        manifest = _put(entry, path, private, around)
    console.say(f"signed: {path}, version {manifest.version}, holds until {manifest.expires}")


def _put(entry: Entry, path: Path, private: PrivateKey, around: Surroundings) -> Manifest:
    verified = verify_file(path, around.places, around.today)
    if verified.manifest is None:
        signature = verified.findings[0]
        raise StateError(
            f"{path}: {signature.summary}: {signature.evidence}; nothing is added to it",
            hint=f"look at what changed in it; if it is right: localai manifest sign {path}",
        )
    before = read_small(path)
    if before is None:
        raise StateError(f"{path} is gone", hint="run the command again")
    listed = parse_manifest(before)  # with what is outside of a lane, and stands there all the same
    entry = fit_into(listed, entry)
    if displaced_by(listed, entry):
        console.say(f"note: {entry.id} has some of these files: its other files are given up")
    raw = add_entry(before, entry)
    if (verified.manifest.expires - around.today).days < SOON:
        raw = renew(raw, around.today, MANIFEST_DAYS)
    founding.store_manifest(path, raw, private, before)
    return parse_manifest(raw)


def _request(entry: Entry, policy: Policy, around: Surroundings) -> None:
    """Write what the officer needs: a manifest of one entry that nobody has signed."""
    path = Path(f"{entry.id}.request.yaml")
    note = f"requested by {around.account_name()}; sign nothing that you did not check yourself"
    request = begin_manifest("request", around.today)._replace(entries=(entry,), note=note)
    write_whole(path, write_manifest(request), mode=0o644, replace=False)
    officer = policy.officer or "your security officer"
    console.out(f"request written: {path}. send it to {officer}")
