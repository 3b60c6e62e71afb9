"""``localai manifest review``: an entry before it is approved, or again once it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from localai.cli import console
from localai.cli.arguments import ApprovedBy, InManifest, ModelOf, ReviewDays, Ticket
from localai.errors import Exit, UsageError
from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.gguf.facts import GgufFile
    from localai.inspection.types import Inspection
    from localai.manifest.draft import Draft
    from localai.manifest.proposal import Proposal
    from localai.manifest.schema import Entry

YEAR = 365


class Review(NamedTuple):
    """What was looked at, and what came of it: a ``proposal``, or the ``entry`` of a manifest; what
    is known of the file, None if nothing but its digests is; what this host answers today; whether
    the file was at hand, and how it differs, None if that was not compared."""

    draft: Draft
    found: Inspection | None
    judged: tuple[Finding, ...]
    at_hand: bool = False
    differences: tuple[str, ...] | None = None
    proposal: Proposal | None = None
    entry: Entry | None = None

    @property
    def refusing(self) -> tuple[Finding, ...]:
        """Every finding that refuses, of the file and of this host."""
        from localai.inspection.proposed import find_refusing

        of_file = find_refusing(self.found.findings, self.draft.kind) if self.found else ()
        return (*of_file, *(one for one in self.judged if one.refuses))

    @property
    def refuses(self) -> bool:
        """True while it is not to be approved as it stands."""
        return bool(self.draft.unknown or self.differences or self.refusing)


def review(
    what: Annotated[
        str, typer.Argument(metavar="ENTRY", help="an entry's identifier, or a proposal's file")
    ],
    manifest: InManifest = None,
    file: ModelOf = None,
    by: ApprovedBy = None,
    ticket: Ticket = None,
    review_days: ReviewDays = YEAR,
    json: Annotated[bool, typer.Option("--json", help="print localai.review/1")] = False,
) -> int:
    """Show a proposal, or an entry that is due, with its chat templates and findings, and ask.

    Yes approves it, or approves it again: the next version of the manifest, which waits for
    signatures. Without a terminal nothing is asked. Exit code 3: something is unknown, a finding
    refuses it, the file is another one, or the answer was no.
    """
    from localai.cli.approvals import reviewscreen
    from localai.cli.surroundings import look_around

    around = look_around()
    is_file = "/" in what or what.endswith(".json")
    if is_file:
        found = look_at(around, read_proposal(Path(what)), file)
    else:
        found = look_again(around, what, manifest, file)
    code = Exit.REFUSED if found.refuses else Exit.DONE
    if json:
        console.print_json(reviewscreen.review_document(found, around.today, int(code)))
        return code
    said = (what, *(("--manifest", manifest) if manifest else ()))
    console.out(reviewscreen.review(found, said, around.today, console.width()))
    if not console.interactive() or found.differences or found.refusing:
        return code
    return _ask(around, found, manifest, by, ticket, review_days)


def read_proposal(path: Path) -> Proposal:
    """Raises DocumentError for what is no proposal, StateError if it cannot be read."""
    from localai.errors import DocumentError
    from localai.manifest.proposal import LIMIT, parse_proposal
    from localai.smallfile import read_small

    raw = read_small(path, limit=LIMIT)
    if raw is None:
        raise UsageError(f"there is no {path}", hint="localai manifest propose FILE makes one")
    try:
        return parse_proposal(raw)
    except DocumentError as error:
        raise DocumentError(
            f"{path}: {error.message}", hint=error.hint or "have it made anew by whoever sent it"
        ) from error


def look_at(around: Surroundings, proposal: Proposal, file: Path | None) -> Review:
    """Look at a proposal: with its file at hand at that, and then nothing that the proposal says
    of it counts. Without it, no tree digest is approved."""
    from localai.inspection.proposed import find_templates_apart, reconstruct
    from localai.manifest.draft import drop_trees

    draft = proposal.draft
    if file is None:
        draft = drop_trees(draft)
        judged = _judge(around, draft, ())
        return Review(draft, reconstruct(proposal), judged, proposal=proposal)
    found, differences = _inspect(around, draft, file)
    if differences is not None:
        differences += find_templates_apart(proposal.templates, found.templates)
    judged = _judge(around, draft, found.headers)
    return Review(draft, found, judged, True, differences, proposal)


def look_again(
    around: Surroundings, entry_id: str, manifest: str | None, file: Path | None
) -> Review:
    """Look at an entry of a manifest. Raises UsageError if there is none of this identifier."""
    from localai.cli.choosing import choose_manifest
    from localai.cli.manifests.revising import find_entry
    from localai.manifest.draft import draft_of
    from localai.manifest.load import read_manifest
    from localai.plan.gates.review_date import judge_review

    entry = find_entry(read_manifest(choose_manifest(around.places, manifest))[1], entry_id)
    draft = draft_of(entry)
    found, differences = _inspect(around, draft, file) if file else (None, None)
    judged = (
        judge_review(entry.approval, around.today),
        *_judge(around, draft, found.headers if found else ()),
    )
    return Review(draft, found, judged, file is not None, differences, entry=entry)


def _inspect(
    around: Surroundings, draft: Draft, file: Path
) -> tuple[Inspection, tuple[str, ...] | None]:
    """The file at hand, and how it differs from what is listed; None if a finding forbids to
    approve it anyway."""
    from localai.cli.manifests.editing import propose_model
    from localai.cli.stores.naming import find_model
    from localai.inspection.proposed import find_differences
    from localai.manifest.draft import Stated

    file = find_model(file)
    stated = Stated(draft.use, name=draft.name, id=draft.id, kind=draft.kind)
    with console.progress(file.name, console.size_of(file)) as progress:
        seen, found = propose_model(around, file, stated, progress)
    return found, find_differences(draft, seen.draft) if seen else None


def _judge(around: Surroundings, draft: Draft, headers: Sequence[GgufFile]) -> tuple[Finding, ...]:
    """What this host's rules and its list of what is revoked refuse."""
    from localai.approval import check_use
    from localai.cli.manifests.editing import find_obstacles

    allowed = around.read_policy().policy.data_classes
    found = list(find_obstacles(around, draft, headers))
    if denied := check_use(draft.use, allowed):
        evidence = f"{denied} data; the policy allows {', '.join(allowed) or 'none'}"
        why = "the policy lists the classes of data that may be used"
        found.append(Finding("approved-use", Verdict.FAIL, "not allowed", evidence, why))
    return tuple(found)


def _ask(
    around: Surroundings,
    found: Review,
    manifest: str | None,
    by: str | None,
    ticket: str | None,
    days: int,
) -> int:
    """Ask what is unknown, and whether to approve."""
    from localai.cli.approvals import reviewscreen
    from localai.cli.manifests import revising
    from localai.cli.manifests.editing import approve_as
    from localai.manifest.draft import complete

    draft = _ask_unknown(found.draft)
    headers = found.found.headers if found.found else ()
    if draft != found.draft and (refused := _judge(around, draft, headers)):
        console.print_findings(refused)
        return _decline()
    until = around.today + timedelta(days=days)
    if not console.confirm(reviewscreen.question(draft, until, again=found.entry is not None)):
        return _decline()
    if found.proposal is None:
        return revising.renew_seen(around, draft.id, manifest, by, ticket, days, found.entry)
    approval = approve_as(around, by, ticket, days, proposer=found.proposal.by)
    return revising.enter(around, manifest, complete(draft, approval))


def _ask_unknown(draft: Draft) -> Draft:
    from localai.cli.approvals.stating import ask_licence, ask_source
    from localai.manifest.draft import Unknown, answer

    unknown = set(draft.unknown)
    if unknown & {Unknown.SOURCE, Unknown.REVISION}:
        draft = answer(draft, source=ask_source(draft.source.repository if draft.source else ""))
    if Unknown.LICENCE in unknown:
        draft = answer(draft, licence=ask_licence(""))
    return draft


def _decline() -> Exit:
    console.say("not approved, nothing was written")
    return Exit.REFUSED
