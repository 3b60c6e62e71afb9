"""Gate restricted-technology: is a publisher, an origin or an architecture on the policy's list?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.plan.matching import without_entry

if TYPE_CHECKING:
    from localai.gguf.statements import Statements
    from localai.manifest.schema import Entry
    from localai.plan.facts import Facts
    from localai.policy import Policy, Restricted

CHECK = "restricted-technology"
LASTS = timedelta(days=366)
"""How long a list is believed to be what its source still says: a year."""

_WHY = "what the policy lists as restricted may not be used"
_REMEDY = "have the policy's restricted-technologies brought up to date, with source and day"
_MOST = 5  # likenesses that are shown


def restricted_technology(facts: Facts, policy: Policy) -> Finding:
    """The entry and what its file states, if both are known."""
    artifact, administered = facts.artifact, facts.policy.administered
    if artifact is None or artifact.entry is None:
        return without_entry(CHECK)
    if artifact.said is None:
        return _not_checked("not read", "no header was read")
    return judge_origin(artifact.entry, artifact.said, policy, facts.today, administered)


def judge_origin(
    entry: Entry, said: Statements, policy: Policy, today: date, administered: bool
) -> Finding:
    """What is on the list refuses, be the list old or new. Without a list of this year an
    administered host refuses too; where nobody administers, that is a note."""
    listed = policy.restricted
    named = [*_of_entry(entry), *_of_file(said)]
    if listed and (found := list(_find(listed, named))):
        more = f", and {len(found) - _MOST} more" if len(found) > _MOST else ""
        return Finding(
            CHECK,
            Verdict.FAIL,
            "restricted",
            "; ".join(found[:_MOST]) + f"{more} ({_source(listed)})",
            why=_WHY,
            remedy="use a model of another origin",
        )
    if listed is None or (problem := _find_problem(listed, today)):
        summary = "old list" if listed and listed.names else "no list"
        evidence = problem if listed else "the policy has none"
        if administered:
            return _not_checked(summary, evidence, _REMEDY)
        return Finding(CHECK, Verdict.NOTE, summary, evidence)
    if said.unread:
        return _not_checked("not read", f"too long: {', '.join(said.unread[:_MOST])}")
    from localai.plan.lookalikes import find_strange

    for where, text in named:
        if strange := find_strange(text):
            return _not_checked("letters not known", f"{where}: {text[:60]} ({strange[:10]})")
    return Finding(CHECK, Verdict.PASS, "not restricted", _source(listed))


def _not_checked(summary: str, evidence: str, remedy: str = "") -> Finding:
    return Finding(CHECK, Verdict.NOT_CHECKED, summary, evidence, why=_WHY, remedy=remedy)


def _find(listed: Restricted, named: list[tuple[str, str]]) -> Iterator[str]:
    from localai.plan.lookalikes import resembles  # slow, and where there is no list not needed

    for name in listed.names:
        for where, text in named:
            if resembles(name, text):
                yield f"{name}: {where} is {text[:60]}"
                break


def _find_problem(listed: Restricted, today: date) -> str:
    """Why the list says nothing of today, "" if it does."""
    if not listed.names:
        return f"empty ({_source(listed)})"
    if listed.as_of > today:
        return f"of a day to come ({_source(listed)})"
    return f"older than a year ({_source(listed)})" if today - listed.as_of > LASTS else ""


def _source(listed: Restricted) -> str:
    return f"{listed.source}, as of {listed.as_of}"


def _of_entry(entry: Entry) -> Iterator[tuple[str, str]]:
    """What its signers say that it is and where it is from."""
    yield "the entry", entry.id
    yield "its name", entry.name
    yield "its publisher", entry.source.publisher
    yield "its repository", entry.source.repository
    if entry.source.hub:
        yield "its hub", entry.source.hub
    yield from (("its base", base) for base in entry.source.bases)
    yield from (("its file", file.name) for file in entry.files)
    if entry.gguf:
        yield "its architecture", entry.gguf.architecture


def _of_file(said: Statements) -> Iterator[tuple[str, str]]:
    return ((f"the file's {key}", text) for key, text in said.origins)
