"""Wording for reviews: what is proposed or was approved, and what speaks against it. Nothing here
prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from shlex import quote
from typing import TYPE_CHECKING

from localai.cli import inspectscreen
from localai.cli.manifests.changescreen import show_left
from localai.cli.manifests.manifestscreen import entry_lines
from localai.cli.screen import answers, hang
from localai.manifest.draft import Draft, Unknown
from localai.manifest.proposal import draft_document
from localai.plan.document import finding_document
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.cli.approvals.reviewing import Review
    from localai.manifest.schema import Entry, Source


def review(found: Review, said: Sequence[str], today: date, width: int) -> str:
    """Everything that a person decides on; ``said`` are the words by which they named it."""
    parts = [inspectscreen.decision(found.found, width)] if found.found else []
    parts.append("\n".join(_subject(found, today, width)))
    parts.append(basis(found, width))
    parts.append(verdict(found, width))
    if not found.refuses or (found.draft.unknown and not (found.differences or found.refusing)):
        parts[-1] += f"\n{_next(found, said)}"
    return "\n\n".join(parts)


def basis(found: Review, width: int) -> str:
    """Whose word it is that is shown of the file."""
    if found.at_hand:
        same = "; it is what is listed" if found.differences == () else ""
        said = f"looked at: the file itself{same}"
    elif found.proposal and found.draft.gguf is None:
        said = (
            "looked at: nothing. Everything about the data is the word of "
            f"{found.proposal.by}: --file FILE looks at it"
        )
    elif found.proposal:
        said = (
            "looked at: the chat templates that came with it. Everything else about the file is "
            f"the word of {found.proposal.by}: --file MODEL looks at it. Without it no tree digest "
            "is approved, and a start compares the slower SHA-256"
        )
    else:
        said = "the file was not looked at: --file MODEL does, with what is known by now"
    return "\n".join(hang("", 0, printable(said), width))


def verdict(found: Review, width: int) -> str:
    """Everything that speaks against it, or that nothing does."""
    lines = []
    if found.differences:
        lines.append("the file at hand is not what is listed:")
        for difference in found.differences:
            lines += hang("  - ", 4, printable(difference), width)
    if found.refusing:
        lines += ["what refuses it:", answers(found.refusing, width)]
    if found.draft.unknown:
        lines.append(f"unknown: {', '.join(found.draft.unknown)}")
    return "\n".join(lines) or "nothing refuses it"


def question(draft: Draft, until: date, *, again: bool) -> str:
    """What a person says yes to."""
    purposes, data = ", ".join(draft.use.purposes), ", ".join(draft.use.data_classes)
    word = "approve it again" if again else "approve it"
    return printable(f"{word} for {purposes}, with {data} data, until {until}?")


def review_document(found: Review, today: date, code: int) -> dict[str, object]:
    """The document ``localai.review/1``. ``findings_of`` says whose word the findings of the file
    are: those of ``proposal`` are its writer's, but for the chat templates'."""
    proposal, entry = found.proposal, found.entry
    approval = entry.approval if entry else None
    inspected = found.found
    return {
        "schema": "localai.review/1",
        "entry": draft_document(found.draft),
        "unknown": list(found.draft.unknown),
        "proposed": {"by": proposal.by, "on": str(proposal.on)} if proposal else None,
        "approved": {
            "by": approval.by,
            "on": str(approval.on),
            "review_by": str(approval.review_by),
            "self_approved": approval.self_approved,
            "ticket": approval.ticket,
            "age_days": (today - approval.on).days,
            "days_left": (approval.review_by - today).days,
        }
        if approval
        else None,
        "provenance": [
            {
                "form": one.form.value,
                "signed_as": one.signed_as,
                "key_sha256": one.key,
                "bundle_sha256": one.bundle,
                "checked": str(one.checked),
            }
            for one in (entry.provenance if entry else ())
        ],
        "findings_of": "file" if found.at_hand else "proposal" if inspected else None,
        "findings": [finding_document(one) for one in inspected.findings] if inspected else [],
        "templates": [
            {"key": one.key, "sha256": one.sha256, "source": one.source}
            for one in (inspected.templates if inspected else ())
        ],
        "differences": None if found.differences is None else list(found.differences),
        "host": [finding_document(one) for one in found.judged],
        "exit_code": code,
    }


def _subject(found: Review, today: date, width: int) -> Iterator[str]:
    if found.entry:
        yield from map(printable, entry_lines(found.entry))
        yield f"  {'age':<11}{_age(found.entry, today)}"
        yield from answers([one for one in found.judged if not one.refuses], width).splitlines()
        return
    if found.proposal:
        yield printable(f"proposed by {found.proposal.by} on {found.proposal.on}:")
    draft = found.draft
    source = draft.source
    for title, said in (
        ("entry", f"{draft.id}: {draft.name} ({draft.kind})"),
        ("licence", draft.licence or ""),
        ("source", _origin(source) if source else ""),
        ("revision", (source.revision or _left_open(draft)) if source else ""),
        ("made from", ", ".join(source.bases) if source and source.bases else "not stated"),
        ("for", f"{', '.join(draft.use.purposes)}, {', '.join(draft.use.data_classes)} data"),
        ("groups", ", ".join(draft.use.groups) or "every account"),
        ("safeguards", "; ".join(draft.use.safeguards) or "none"),
        ("with", ", ".join(draft.companions) or "nothing beside it"),
        ("note", " ".join((draft.note or "none").split())),
    ):
        yield from inspectscreen.titled(title, said or "unknown", width)


def _origin(source: Source) -> str:
    return ", ".join(filter(None, (source.publisher, source.hub, source.repository)))


def _left_open(draft: Draft) -> str:
    return "" if Unknown.REVISION in draft.unknown else "not named"


def _age(entry: Entry, today: date) -> str:
    days = (today - entry.approval.on).days
    count = "1 day" if days == 1 else f"{days} days"
    return f"{count}; {show_left((entry.approval.review_by - today).days)}"


def _next(found: Review, said: Sequence[str]) -> str:
    """What to type, with what is left to say."""
    words = ["localai", "manifest", "renew" if found.entry else "approve", *map(quote, said)]
    return printable(f"next: {' '.join([*words, *options(found.draft.unknown)])}")


def options(unknown: Sequence[Unknown]) -> list[str]:
    """How to say what is unknown."""
    licence = ["--licence TEXT"] if Unknown.LICENCE in unknown else []
    source = {Unknown.SOURCE, Unknown.REVISION} & set(unknown)
    return licence + (["--source PUBLISHER/REPOSITORY@REVISION"] if source else [])
