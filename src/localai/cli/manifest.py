"""``localai manifest``: make, change, sign, verify and show manifests."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli import console
from localai.cli.approvals.proposing import approve, propose
from localai.cli.approvals.reviewing import review
from localai.cli.arguments import (
    ApprovedBy,
    Artifact,
    Companions,
    DataClasses,
    EntryId,
    EntryName,
    Groups,
    InManifest,
    KeyName,
    KindName,
    Licence,
    Manifests,
    Note,
    OneManifest,
    PrintPayload,
    Purposes,
    ReviewDays,
    Safeguards,
    Ticket,
)
from localai.cli.manifests.auditing import audit
from localai.cli.manifests.comparing import diff, status
from localai.cli.manifests.exporting import export
from localai.cli.manifests.importing import import_
from localai.cli.manifests.outside import attach_signature, request_signature
from localai.cli.manifests.revising import remove, renew, revoke
from localai.errors import Exit
from localai.terminal import show_path

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="A manifest lists the artifacts that are approved, for what and until when. It is YAML "
    "that people write and read; every byte of it is signed.",
)


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="a name, or a file that ends in .yaml")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="how long it is to hold")] = 90,
) -> int:
    """Begin a manifest that approves nothing yet. It counts once it is signed."""
    from localai.cli.manifests.editing import begin
    from localai.cli.surroundings import look_around

    path = begin(look_around(), name, days)
    console.say(f"made: {show_path(path)}")
    console.say("next: localai manifest add MODEL, then localai manifest sign")
    return Exit.DONE


@app.command()
def add(
    file: Artifact,
    publisher: Annotated[str, typer.Option(help="who published it")],
    repository: Annotated[str, typer.Option(help="where it lies")],
    licence: Licence,
    manifest: InManifest = None,
    hub: Annotated[str | None, typer.Option(help="the hub that has the repository")] = None,
    revision: Annotated[str | None, typer.Option(help="which revision of the repository")] = None,
    base: Annotated[
        list[str] | None, typer.Option(help="what it was made from, nearest first; repeatable")
    ] = None,
    entry_id: EntryId = "",
    name: EntryName = "",
    kind: KindName = "",
    by: ApprovedBy = None,
    ticket: Ticket = None,
    review_days: ReviewDays = 365,
    purpose: Purposes = None,
    data_class: DataClasses = None,
    group: Groups = None,
    safeguard: Safeguards = None,
    companion: Companions = None,
    note: Note = None,
) -> int:
    """Propose and approve an artifact in one step: the next version, which waits for signatures."""
    from localai.cli import inspectscreen
    from localai.cli.approvals.stating import Said, state
    from localai.cli.choosing import choose_manifest
    from localai.cli.manifests.editing import approve_as, propose_model
    from localai.cli.manifests.revising import enter, tell_obstacles
    from localai.cli.stores.naming import find_model
    from localai.cli.surroundings import look_around
    from localai.manifest.draft import complete
    from localai.manifest.load import read_manifest
    from localai.manifest.schema import Source

    around = look_around()
    source = Source(publisher, repository, revision, tuple(base or ()), hub)
    said = Said(entry_id, purpose, data_class, group, safeguard, companion, note)
    stated = state(source, licence, said, kind=kind, name=name)
    read_manifest(choose_manifest(around.places, manifest))  # better now than after all of it
    path = find_model(file)
    with console.progress(path.name, console.size_of(path)) as progress:
        proposal, found = propose_model(around, path, stated, progress)
    if proposal is None:
        console.print_findings(found.findings)
        console.say("not added, nothing was written")
        return Exit.REFUSED
    console.say(inspectscreen.decision(found, console.width()))
    console.say(inspectscreen.pinned(proposal.draft.files, console.width()))
    approval = approve_as(around, by, ticket, review_days, proposer=proposal.by)
    entry = complete(proposal.draft, approval)
    tell_obstacles(around, proposal.draft, found.headers)
    return enter(around, manifest, entry, in_place_of=bool(entry_id))


@app.command()
def sign(
    manifest: OneManifest = None,
    key: KeyName = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="raise the version, to hold so long from today"),
    ] = None,
    print_payload: PrintPayload = False,
) -> int:
    """Sign a manifest beside those who signed it before. Read it first: localai manifest show."""
    from localai.cli.manifests.attaching import ask_for
    from localai.cli.manifests.editing import sign_manifest
    from localai.cli.manifests.manifestscreen import show_verification
    from localai.cli.surroundings import look_around

    if print_payload:
        console.out_bytes(ask_for(look_around(), manifest, days).payload)
        return Exit.DONE
    path, verification = sign_manifest(look_around(), manifest, key, days)
    console.out(show_verification(path, verification, console.width()))
    return Exit.DONE


@app.command()
def verify(
    manifests: Manifests = None,
    json: Annotated[
        bool, typer.Option("--json", help="print localai.manifest-verification/1")
    ] = False,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="print openssl commands that check the same")
    ] = False,
) -> int:
    """Verify signatures and dates. Exit code 0: all are in force; 3: at least one is not."""
    from localai.cli.choosing import list_manifests
    from localai.cli.manifests import manifestscreen
    from localai.cli.manifests.byhand import show_by_hand
    from localai.cli.surroundings import look_around
    from localai.findings import refused
    from localai.manifest.load import verify_files

    around = look_around()
    paths = list_manifests(around.places, manifests or [])
    found = verify_files(paths, around.places, around.today)
    if json:
        console.print_json(manifestscreen.manifests_document(found))
    else:
        width = console.width()
        shown = "\n".join(manifestscreen.show_verification(*one, width) for one in found)
        (console.say if by_hand else console.out)(shown)
        if by_hand:
            console.out("\n\n".join(show_by_hand(path, around) for path, _ in found))
    return Exit.REFUSED if any(refused(one.findings) for _, one in found) else Exit.DONE


@app.command()
def show(manifests: Manifests = None) -> int:
    """Show what manifests approve. Their signatures are not looked at: localai manifest verify."""
    from localai.cli.choosing import list_manifests
    from localai.cli.manifests.manifestscreen import show_manifest
    from localai.cli.surroundings import look_around
    from localai.manifest.load import read_manifest

    for path in list_manifests(look_around().places, manifests or []):
        console.out(show_manifest(path, read_manifest(path)[1]))
    return Exit.DONE


app.command("import")(import_)
for _further in (
    *(propose, review, approve),
    *(attach_signature, request_signature),
    *(renew, remove, revoke, diff, status, audit, export),
):
    app.command()(_further)
