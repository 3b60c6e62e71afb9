"""Steps of an artifact in the store: forward by what a manifest says of it, back at any time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from shlex import quote

from localai.cli import console
from localai.cli.approvals.stating import Said, state
from localai.cli.manifests.editing import keep_proposal, propose_model
from localai.cli.stores.naming import name_of, step_command, use_command
from localai.cli.surroundings import Surroundings
from localai.errors import Exit, UsageError
from localai.findings import Finding
from localai.manifest.load import load_manifests
from localai.manifest.proposal import Proposal
from localai.promotion import Promotion, judge_promotion
from localai.store.held import Held, find_held, list_named
from localai.store.state import State
from localai.store.steps import keeping, move
from localai.terminal import printable, show_path


def promote(around: Surroundings, artifact: str) -> Exit:
    """Measure an artifact and let it take the step that it may take, if any."""
    held = find_own(around, artifact)
    if held.state is State.APPROVED:
        raise UsageError(
            f"{artifact} has come all the way", hint=f"localai verify {quote(name_of(held))}"
        )
    with keeping(held):
        judged = _judge(around, held)
        if judged.state is State.PROPOSED:
            return _propose(around, held, judged.finding)
        if judged.state:
            held = move(held.store, held, judged.state)
    if judged.state is None:
        return _stay(held, judged.finding)
    console.say(printable(f"{judged.state}: {judged.finding.evidence}"))
    console.out(printable(use_command(name_of(held), judged.kind)))
    return Exit.DONE


def _propose(around: Surroundings, held: Held, unlisted: Finding) -> Exit:
    """No manifest lists it: let it be proposed, with a proposal for whoever may approve it."""
    proposal, findings = _draft(around, held)
    if proposal is None:
        return _stay(held, *findings)
    path = keep_proposal(proposal)
    held = move(held.store, held, State.PROPOSED)
    console.say(printable(f"proposed: {unlisted.evidence}"))
    unknown = ", ".join(proposal.draft.unknown)
    said = f"{show_path(path)}{f', unknown: {unknown}' if unknown else ''}"
    officer = around.read_policy().policy.officer or "your security officer"
    console.out(printable(f"proposal written: {said}. send it to {officer}"))
    console.say(printable(f"on a machine of your own: localai approve {quote(name_of(held))}"))
    console.say(printable(f"once a manifest lists it: {step_command(held, 'promote')}"))
    return Exit.DONE


def _draft(around: Surroundings, held: Held) -> tuple[Proposal | None, tuple[Finding, ...]]:
    """The proposal, with its hub's word for source and licence; None if a finding forbids it."""
    origin = held.origin
    assert origin is not None  # nothing without one takes a step
    stated = state(origin.source, origin.licence, Said(held.id))
    with measuring(held) as progress:
        proposal, found = propose_model(around, held.paths[0], stated, progress)
    return proposal, found.findings


def _stay(held: Held, *findings: Finding) -> Exit:
    console.print_findings(findings)
    console.say(printable(f"{held.id} stays where it is: {held.state}"))
    return Exit.REFUSED


def demote(around: Surroundings, artifact: str) -> Exit:
    """Take an artifact one step back."""
    held = find_own(around, artifact)
    before = [*State].index(held.state) - 1
    if before < 0:
        raise UsageError(
            f"{artifact} is in quarantine, and no step goes back from there",
            hint=step_command(held, "remove"),
        )
    with keeping(held):
        moved = move(held.store, held, [*State][before])
    console.out(printable(f"{artifact}: {moved.state}"))
    return Exit.DONE


def find_own(around: Surroundings, artifact: str) -> Held:
    """An artifact that this account may move or remove. Raises UsageError if there is none, or if
    it is in a store of another account's."""
    own, shared = around.places.store, around.places.shared
    if shared and not list_named(own, artifact) and list_named(shared, artifact):
        raise UsageError(
            f"{artifact} lies in {shared}, which is another account's",
            hint=f"ask who keeps it: ls -ld {quote(str(shared))}",
        )
    return find_held(own, artifact)


def measuring(held: Held) -> AbstractContextManager[console.Progress]:
    """A progress display for an artifact that is hashed."""
    size = sum(file.size for file in held.origin.files) if held.origin else 0
    return console.progress(printable(held.id), size)


def _judge(around: Surroundings, held: Held) -> Promotion:
    manifests = load_manifests(around.places, around.today)
    policy = around.read_policy().policy
    with measuring(held) as progress:
        return judge_promotion(
            held, manifests, around.today, self_approval=policy.self_approval, progress=progress
        )
