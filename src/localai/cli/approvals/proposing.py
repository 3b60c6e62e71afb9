"""``localai manifest propose`` and ``approve``: from files to proposals, and from one of those to
the next version of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.cli.arguments import (
    ApprovedBy,
    Companions,
    DataClasses,
    EntryId,
    EntryName,
    Groups,
    InManifest,
    KindName,
    Licence,
    ModelOf,
    Note,
    Purposes,
    ReviewDays,
    Safeguards,
    SourceText,
    Ticket,
)
from localai.errors import Exit
from localai.terminal import show_path


def propose(
    files: Annotated[
        list[Path],
        typer.Argument(
            readable=False,
            help="GGUF files and datasets, of several parts the first; or names in the store",
        ),
    ],
    source: SourceText = "",
    licence: Licence = "",
    entry_id: EntryId = "",
    name: EntryName = "",
    kind: KindName = "",
    purpose: Purposes = None,
    data_class: DataClasses = None,
    group: Groups = None,
    safeguard: Safeguards = None,
    companion: Companions = None,
    note: Note = None,
) -> int:
    """Draft an entry from what a file says of itself, for somebody else to approve.

    What nobody says and the file does not say is marked as unknown. Each file becomes one
    proposal, ID.proposal.json in the working directory. Exit code 3: a file has a finding that
    forbids to approve it, and there is no proposal for it.
    """
    from localai.cli.approvals.stating import Said, state
    from localai.cli.manifests.editing import keep_proposal, propose_model
    from localai.cli.stores.naming import find_model
    from localai.cli.surroundings import look_around

    around = look_around()
    said = Said(entry_id, purpose, data_class, group, safeguard, companion, note)
    stated = state(source, licence, said, kind=kind, name=name)
    code = Exit.DONE
    for file in map(find_model, files):
        with console.progress(file.name, console.size_of(file)) as progress:
            proposal, found = propose_model(around, file, stated, progress)
        if proposal is None:
            console.print_findings(found.findings)
            console.say(f"not proposed: {show_path(file)}")
            code = Exit.REFUSED
            continue
        unknown = ", ".join(proposal.draft.unknown)
        path = keep_proposal(proposal)
        console.out(f"proposed: {show_path(path)}{f', unknown: {unknown}' if unknown else ''}")
    return code


def approve(
    proposal: Annotated[Path, typer.Argument(help="what localai manifest propose wrote")],
    manifest: InManifest = None,
    file: ModelOf = None,
    source: SourceText = "",
    licence: Licence = "",
    entry_id: EntryId = "",
    purpose: Purposes = None,
    data_class: DataClasses = None,
    group: Groups = None,
    safeguard: Safeguards = None,
    companion: Companions = None,
    note: Note = None,
    by: ApprovedBy = None,
    ticket: Ticket = None,
    review_days: ReviewDays = 365,
) -> int:
    """Put what a proposal drafts into a manifest, as its next version, which waits for signatures.

    Read it first: localai manifest review. What is unknown in it you have to say; what you say
    besides takes the place of what was proposed. Exit code 3: something is unknown or refuses it,
    and nothing was written.
    """
    from localai.cli.approvals import reviewscreen
    from localai.cli.approvals.reviewing import look_at, read_proposal
    from localai.cli.approvals.stating import Said, amend
    from localai.cli.manifests.editing import approve_as
    from localai.cli.manifests.revising import enter
    from localai.cli.surroundings import look_around
    from localai.manifest.draft import complete

    around = look_around()
    told = read_proposal(proposal)
    said = Said(entry_id, purpose, data_class, group, safeguard, companion, note)
    draft = amend(told.draft, source, licence, said)
    review = look_at(around, told._replace(draft=draft), file)
    if review.refuses:
        console.out(reviewscreen.verdict(review, console.width()))
        if unsaid := reviewscreen.options(draft.unknown):
            console.say(f"say what is unknown: {' '.join(unsaid)}")
        console.say("not approved, nothing was written")
        return Exit.REFUSED
    console.say(reviewscreen.basis(review, console.width()))
    approval = approve_as(around, by, ticket, review_days, proposer=told.by)
    return enter(around, manifest, complete(review.draft, approval), in_place_of=bool(entry_id))
