"""The conversation of ``localai fetch``: from which hub, which file, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from localai.cli import console
from localai.cli.stores.hubchoice import Choice, choose_hub, name_hub, remember
from localai.cli.stores.naming import name_of, step_command
from localai.cli.surroundings import Surroundings
from localai.errors import Exit, UsageError
from localai.fetch.bring import Elsewhere, Order, bring, find_elsewhere, look
from localai.fetch.courier import Courier, make_environment
from localai.fetch.listing import Listing, choose_files, list_artifacts, measure
from localai.findings import Finding
from localai.hardware import show_bytes
from localai.manifest.draft import name_entry
from localai.reference import Reference
from localai.store.held import Held
from localai.terminal import printable

_SHOWN = 100  # files of a repository that one is picked from


def fetch(
    around: Surroundings, reference: Reference, hub: str, hosts: Sequence[str], artifact: str
) -> Exit:
    """Find the hub, the revision and the files, and bring them."""
    choice = choose_hub(around, hub, hosts)
    if isinstance(choice, Finding):
        return _refuse(choice)
    courier = Courier(make_environment(around.environ), _tell)
    listing = look(courier, choice.hub, reference, choice.token)
    if isinstance(listing, Finding):
        return _refuse(listing)
    files = choose_files(listing, reference.file or _choose(reference, listing))
    order = Order(choice.hub, reference, listing, files, artifact or name_entry(files[0].name))
    console.say(_describe(order))
    found = _bring(around, order, courier, choice)
    if isinstance(found, Elsewhere):
        found = find_elsewhere(found, choice.hub)
    if isinstance(found, Finding):
        return _refuse(found)
    for file in found.origin.files if found.origin else ():
        console.say(printable(f"in quarantine: {file.name}, sha256 {file.sha256}"))
    console.out(printable(f"localai inspect {quote(name_of(found))}"))
    console.out(printable(step_command(found, "promote")))
    return Exit.DONE


def _bring(
    around: Surroundings, order: Order, courier: Courier, choice: Choice
) -> Held | Finding | Elsewhere:
    """Bring it; where the policy is one's own, a host that the hub sends to may be named now."""
    while True:
        with console.progress(printable(order.artifact), order.size) as progress:
            found = bring(
                around.places.store,
                order,
                courier,
                token=choice.token,
                today=around.today,
                progress=progress,
            )
        if not isinstance(found, Elsewhere) or not found.can_be_named:
            return found
        if not (choice.own and console.interactive()):
            return found
        question = f"{order.hub.url} sends its files from {found.origin}: take them from there?"
        if not console.confirm(printable(question), option="--host"):
            return found
        hub = name_hub(order.hub.url, (*order.hub.hosts, found.origin))
        remember(around, hub)
        order = order._replace(hub=hub)


def _choose(reference: Reference, listing: Listing) -> str:
    """The only model of a repository, or the one that somebody picks; of a dataset, its files."""
    found = list_artifacts(listing, dataset=reference.dataset)
    if not found:
        raise UsageError(
            f"{reference} has no {'file of data' if reference.dataset else 'GGUF file'}",
            hint=f"name the file: hf:{reference.place}/FILE@REVISION",
        )
    if len(found) == 1:
        return found[0].path
    what = "files of data" if reference.dataset else "models"
    console.say(f"{reference.place} has {len(found)} {what}")
    for number, file in enumerate(found[:_SHOWN], 1):
        size = show_bytes(measure(listing, file))
        console.say(printable(f"{number:>4}  {file.path}, {size}"))
    if len(found) > _SHOWN:
        console.say(f"and {len(found) - _SHOWN} more: what is not shown can be named")
    first = reference._replace(file=found[0].path)
    answer = console.ask("which one (its number)", option=f"its file: {quote(str(first))}")
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(found):
        return found[int(answer) - 1].path
    raise UsageError(f"there is no {answer!r} among them", hint=f"1 to {len(found)}")


def _describe(order: Order) -> str:
    listing = order.listing
    licence = listing.licence or "no licence is said"
    gated = ", for people who agree to its terms" if listing.gated else ""
    lines = [
        f"{order.reference.place} at {listing.revision}, {order.hub.url}",
        f"by {listing.publisher}, {licence}{gated}",
        *(f"made from {base}" for base in listing.bases),
        *(f"{file.path}, {show_bytes(file.size)}" for file in order.files),
    ]
    return "\n".join(map(printable, lines))


def _tell(seconds: float, why: str) -> None:
    console.say(printable(f"{why[:120]}: again in {seconds:.0f} s"))


def _refuse(finding: Finding) -> Exit:
    console.print_findings([finding])
    console.say("nothing was brought")
    return Exit.REFUSED
