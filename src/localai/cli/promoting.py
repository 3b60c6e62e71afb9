"""Steps of an artifact in the store: forward by what a manifest says of it, back at any time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from shlex import quote

from localai.cli import console
from localai.cli.surroundings import Surroundings
from localai.errors import Exit, UsageError
from localai.manifest.load import load_manifests
from localai.promotion import Promotion, judge_promotion
from localai.store.held import Held, find_held
from localai.store.state import State
from localai.store.steps import alone, move
from localai.terminal import printable


def promote(around: Surroundings, artifact: str) -> Exit:
    """Measure an artifact and let it take the step that it may take, if any."""
    store = around.places.store
    held = find_held(store, artifact)
    if held.state is State.APPROVED:
        raise UsageError(f"{artifact} has come all the way", hint=f"localai run {quote(artifact)}")
    with alone(held.directory):
        judged = _judge(around, held)
        if judged.state:
            move(store, held, judged.state)
    if judged.state is None:
        console.print_findings([judged.finding])
        console.say(printable(f"{artifact} stays where it is: {held.state}"))
        return Exit.REFUSED
    console.say(printable(f"{judged.state}: {judged.finding.evidence}"))
    if judged.state is State.APPROVED:
        console.out(f"localai run {quote(artifact)}")
        return Exit.DONE
    console.say("no manifest lists it: approve it, or ask your officer to; then its last step:")
    console.out(f"localai approve {quote(artifact)}\nlocalai store promote {quote(artifact)}")
    return Exit.DONE


def demote(around: Surroundings, artifact: str) -> Exit:
    """Take an artifact one step back."""
    store = around.places.store
    held = find_held(store, artifact)
    before = [*State].index(held.state) - 1
    if before < 0:
        raise UsageError(
            f"{artifact} is in quarantine, and no step goes back from there",
            hint=f"localai store remove {quote(artifact)}",
        )
    with alone(held.directory):
        moved = move(store, held, [*State][before])
    console.out(printable(f"{artifact}: {moved.state}"))
    return Exit.DONE


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
