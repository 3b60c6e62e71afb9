"""Gate self-test: did a whole self-test pass here no longer ago than the policy allows?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "self-test"
_AHEAD = 1 / 60  # hours: a clock is put right by less than that while it runs


def self_test(facts: Facts, policy: Policy) -> Finding:
    """The newest result decides: a pass before a failure is worth nothing."""
    allowed = policy.self_test_hours
    if allowed is None:
        return Finding(CHECK, Verdict.PASS, "not required", "the policy asks for none")
    why = f"the policy asks for a self-test that passed within {show_hours(allowed)}"
    found = facts.self_test
    if found is None or found.problem:
        evidence = found.problem if found else "no result was looked for"
        remedy = found.remedy if found else ""
        return Finding(CHECK, Verdict.NOT_CHECKED, "not looked at", evidence, why, remedy)
    if found.result is None:
        return Finding(CHECK, Verdict.FAIL, "none yet", "", why, "localai selftest")
    evidence = f"result {found.result.number}, {found.result.time:%Y-%m-%d %H:%M} UTC"
    if found.hours < -_AHEAD:
        remedy = "check the clock, then localai selftest"
        return Finding(CHECK, Verdict.NOT_CHECKED, "in the future", evidence, why, remedy)
    if not found.result.passed:
        return Finding(CHECK, Verdict.FAIL, "did not pass", evidence, why, "localai selftest")
    if found.hours > allowed:
        return Finding(CHECK, Verdict.FAIL, "too old", evidence, why, "localai selftest")
    return Finding(CHECK, Verdict.PASS, "passed", evidence)


def show_hours(hours: int) -> str:
    """``1 hour``, ``24 hours``."""
    return f"{hours} hour" + "s" * (hours != 1)
