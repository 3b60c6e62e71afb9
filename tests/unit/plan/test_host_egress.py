"""The gate host-egress under a policy that wants the host blocked."""

from __future__ import annotations

import pytest

from localai.findings import Finding, Verdict
from localai.host import HostFacts
from localai.host.targets import Expectation, Outcome, Reached, Target
from localai.plan.facts import Facts
from localai.plan.gates.host_egress import host_egress
from localai.policy import HostEgress, Policy

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.NOT_CHECKED
ONLINE = HostFacts(routes=("over eth0",))
BLIND = HostFacts(unchecked=("route: EPERM",))
STRICT = Policy(host_egress=HostEgress.MUST_BE_BLOCKED)


def canary(outcome: Outcome) -> Reached:
    return Reached(Target("outside", "203.0.113.9", 443, Expectation.BLOCKED), outcome, "met")


def control(outcome: Outcome) -> Reached:
    return Reached(Target("gateway", "10.0.0.1", 443, Expectation.REACHABLE), outcome, "met")


def ask(facts: Facts, host: HostFacts | None, policy: Policy = STRICT) -> Finding:
    return host_egress(facts._replace(host=host), policy)


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (HostFacts(), PASS),
        (ONLINE, UNKNOWN),
        (HostFacts(resolvers=("127.0.0.53",)), UNKNOWN),
        (HostFacts(proxies=("https_proxy",)), UNKNOWN),
        (BLIND, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_without_targets_only_looking_counts(
    good: Facts, host: HostFacts | None, verdict: Verdict
) -> None:
    finding = ask(good, host)
    assert finding.verdict is verdict
    if host and verdict is UNKNOWN:
        assert "host-canaries" in finding.remedy and "host-controls" in finding.remedy


@pytest.mark.parametrize("host", [ONLINE, BLIND])
@pytest.mark.parametrize(
    ("reached", "verdict"),
    [
        ((canary(Outcome.BLOCKED), control(Outcome.REACHABLE)), PASS),
        ((canary(Outcome.REACHABLE), control(Outcome.REACHABLE)), FAIL),
        ((canary(Outcome.REACHABLE), control(Outcome.BLOCKED)), FAIL),
        ((canary(Outcome.REACHABLE),), FAIL),
        ((canary(Outcome.BLOCKED), canary(Outcome.REACHABLE), control(Outcome.REACHABLE)), FAIL),
        ((canary(Outcome.BLOCKED), control(Outcome.BLOCKED)), UNKNOWN),
        ((canary(Outcome.BLOCKED), control(Outcome.UNCLEAR)), UNKNOWN),
        ((canary(Outcome.UNCLEAR), control(Outcome.REACHABLE)), UNKNOWN),
        ((canary(Outcome.BLOCKED),), UNKNOWN),
        ((control(Outcome.REACHABLE),), UNKNOWN),
    ],
)
def test_with_targets(
    good: Facts, host: HostFacts, reached: tuple[Reached, ...], verdict: Verdict
) -> None:
    assert ask(good, host._replace(reached=reached)).verdict is verdict


def test_what_was_seen_is_said_although_the_canary_is_blocked(good: Facts) -> None:
    reached = canary(Outcome.BLOCKED), control(Outcome.REACHABLE)
    evidence = ask(good, ONLINE._replace(reached=reached)).evidence
    assert "over eth0" in evidence and "203.0.113.9 port 443" in evidence


def test_of_wsl_only_one_side_is_seen(good: Facts) -> None:
    """Windows around it has a network of its own, whatever the Linux side looks like."""
    strict = ask(good, HostFacts(wsl=True))
    assert strict.verdict is UNKNOWN and "Linux side only" in strict.evidence
    for host in (HostFacts(wsl=True), ONLINE._replace(wsl=True)):
        noted = ask(good, host, Policy())
        assert noted.verdict is Verdict.NOTE and "Linux side only" in noted.evidence
