"""Gate licence: does the policy allow the licence, the entry's and what the file itself names?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.plan.matching import without_entry

if TYPE_CHECKING:
    from localai.gguf.statements import Statements
    from localai.manifest.schema import Entry
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "licence"
WHY = "the policy lists the licences that may be used"


def licence(facts: Facts, policy: Policy) -> Finding:
    """The entry and what its file states, if both are known."""
    artifact = facts.artifact
    if artifact is None or artifact.entry is None:
        return without_entry(CHECK)
    if artifact.said is None:
        return Finding(CHECK, Verdict.NOT_CHECKED, "not read", "no header was read")
    return judge_licence(artifact.entry, artifact.said, policy)


def judge_licence(entry: Entry, said: Statements, policy: Policy) -> Finding:
    """Where the policy has a list, entry and file must both be on it. That they differ is noted:
    an officer saw what the file names before the entry was written."""
    approved, stated = entry.licence, said.licences
    others = [name for name in stated if plain(name) != plain(approved)]
    sources = {approved: "the entry", **dict.fromkeys(others, "the file")}
    if policy.licences is not None:
        allowed = {plain(name) for name in policy.licences}
        if wrong := [name for name in sources if plain(name) not in allowed]:
            return Finding(
                CHECK,
                Verdict.FAIL,
                "not allowed",
                "; ".join(f"{sources[name]} names {name}" for name in wrong)
                + f"; the policy allows: {', '.join(policy.licences) or 'none'}",
                why=WHY,
                remedy="use a model under one of these, or have the policy's list changed",
            )
        if said.unread_licences:
            evidence = f"too long: {', '.join(said.unread_licences)}"
            return Finding(CHECK, Verdict.NOT_CHECKED, "not read", evidence, why=WHY)
    if others or said.unread_licences:
        others += [f"more than is read in {key}" for key in said.unread_licences]
        evidence = f"approved as {approved}, and the file names {', '.join(others)}"
        return Finding(CHECK, Verdict.NOTE, "named differently", evidence)
    rule = "the policy names no licences" if policy.licences is None else "the policy allows it"
    named = "the file names it too" if stated else "the file names none"
    return Finding(CHECK, Verdict.PASS, approved, f"{rule}, {named}")


def plain(name: str) -> str:
    """A licence's name as it is compared: ``Apache 2.0`` and ``apache-2.0`` are one, ``GPL-3.0``
    and ``GPL-3.0+`` are two."""
    return re.sub(r"[\s_-]+", "", name.casefold())
