"""Gate host-egress: has the host itself a way out? Looked at, never tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.policy import HostEgress

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "host-egress"
WHY = "the policy asks what ways out this host has"


def host_egress(facts: Facts, policy: Policy) -> Finding:
    """A note, unless the policy says must-be-blocked: then no route, no resolver, no proxy."""
    strict = policy.host_egress is HostEgress.MUST_BE_BLOCKED
    host = facts.host
    ways = []
    if host and host.routes:
        ways.append(f"route {', '.join(host.routes)}")
    if host and host.resolvers:
        ways.append(f"resolver {', '.join(host.resolvers)}")
    if host and host.proxies:
        ways.append(f"proxy in {', '.join(host.proxies)}")
    evidence = "; ".join(ways)
    if ways and strict:
        remedy = "take the host off the network, empty /etc/resolv.conf, unset the proxies"
        return Finding(CHECK, Verdict.FAIL, "online", evidence, why=WHY, remedy=remedy)
    if ways:
        return Finding(CHECK, Verdict.NOTE, "online", "noted: policy allows it", why=evidence)
    if host is None or host.unchecked:
        evidence = "; ".join(host.unchecked) if host else "the host was not looked at"
        return Finding(CHECK, Verdict.NOT_CHECKED, "not looked at", evidence, why=WHY)
    verdict = Verdict.PASS if strict else Verdict.NOTE
    return Finding(CHECK, verdict, "offline", "no route, no resolver, no proxy")
