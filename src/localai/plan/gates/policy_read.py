"""Gate policy: are there rules that can be read, and whose are they?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.policy import LONGEST_WAIVER

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import LoadedPolicy, Policy, Waiver

CHECK = "policy"


def policy_read(facts: Facts, policy: Policy) -> Finding:
    """A policy that cannot be read refuses. One that nobody administers is worth a note."""
    loaded = facts.policy
    if loaded.problem:
        return judge_unreadable(loaded)
    if endless := [waiver for waiver in policy.waivers if waiver.is_endless(facts.today)]:
        return _judge_endless(endless[0], facts)
    files = [f"{path} sha256 {digest[:8]}…" for path, digest in loaded.files]
    over = [waiver for waiver in policy.waivers if waiver.until < facts.today]
    files += [f"waiver for {waiver.check} ended {waiver.until}" for waiver in over]
    files += loaded.notes
    if not loaded.administered:
        own = "your own" if loaded.files else "built-in"
        return Finding(
            CHECK, Verdict.NOTE, own, ", ".join(["no administrator's policy here", *files])
        )
    verdict = Verdict.NOTE if over or loaded.notes else Verdict.PASS
    return Finding(CHECK, verdict, policy.name, ", ".join(files))


def _judge_endless(waiver: Waiver, facts: Facts) -> Finding:
    """A waiver that nobody would ever have to decide on again."""
    last = facts.today + LONGEST_WAIVER
    files = " or ".join(path for path, _ in facts.policy.files)
    return Finding(
        CHECK,
        Verdict.FAIL,
        "waiver without end",
        f"{waiver.check} until {waiver.until}",
        "what is waived is decided anew within a year",
        f"until: {last}, or earlier, in {files}",
    )


def judge_unreadable(loaded: LoadedPolicy) -> Finding:
    """A policy with a problem."""
    why = "without its rules nothing can be allowed"
    return Finding(CHECK, Verdict.FAIL, "unreadable", loaded.problem, why, loaded.remedy)
