"""What this host can enforce: tried, not looked up, and without leaving this process changed."""

from __future__ import annotations

from localai.abilities import find_abilities
from localai.findings import Verdict
from localai.sandbox import landlock
from localai.sandbox.namespaces import read_namespaces


def test_every_mechanism_has_a_finding_and_what_is_missing_a_remedy() -> None:
    found = {finding.check: finding for finding in find_abilities()}
    assert list(found) == ["platform", "seccomp", "landlock", "namespaces", "sealing", "engine"]
    for finding in found.values():
        assert finding.verdict is Verdict.PASS or finding.remedy


def test_landlock_is_what_the_kernel_says() -> None:
    found = next(finding for finding in find_abilities() if finding.check == "landlock")
    assert (found.verdict is Verdict.PASS) == (landlock.best_abi() >= 1)


def test_trying_namespaces_leaves_this_process_where_it_is() -> None:
    before = read_namespaces()
    find_abilities()
    assert read_namespaces() == before
