"""Gate host-egress: has the host itself a way out?

Looked at, and tried only where the policy asks for a host that is blocked and names what to try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.policy import HostEgress

if TYPE_CHECKING:
    from localai.host import HostFacts
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "host-egress"
WHY = "the policy asks what ways out this host has"
ONE_SIDE = "Linux side only"
REMEDY = (
    "take the host off the network, empty /etc/resolv.conf, unset the proxies; or have the policy "
    "name what this host must not reach in host-canaries and what it must in host-controls"
)


def host_egress(facts: Facts, policy: Policy) -> Finding:
    """A note, unless the policy says must-be-blocked: then no route, resolver and proxy, or every
    canary that the policy names blocked while every control is reached."""
    host = facts.host
    if host is None:
        return Finding(
            CHECK, Verdict.NOT_CHECKED, "not looked at", "the host was not looked at", why=WHY
        )
    if policy.host_egress is HostEgress.MUST_BE_BLOCKED:
        return _must_be_blocked(host)
    side = f", {ONE_SIDE}" if host.wsl else ""
    if host.ways:
        evidence = f"noted: policy allows it{side}"
        return Finding(CHECK, Verdict.NOTE, "online", evidence, why="; ".join(host.ways))
    if host.unchecked:
        return _not_checked("not looked at", "; ".join(host.unchecked), "")
    return Finding(CHECK, Verdict.NOTE, "offline", f"no route, no resolver, no proxy{side}")


def _must_be_blocked(host: HostFacts) -> Finding:
    if host.wsl:
        evidence = f"{ONE_SIDE}: Windows has routes of its own"
        remedy = "run localai on Linux itself, or ask the administrator to waive host-egress"
        return _not_checked("half looked at", evidence, remedy)
    if not host.ways and not host.unchecked:
        return Finding(CHECK, Verdict.PASS, "offline", "no route, no resolver, no proxy")
    out = [str(one) for one in host.reached if one.is_canary and one.got_through]
    if out:
        remedy = "block it in the firewall, or take the host off the network"
        return Finding(CHECK, Verdict.FAIL, "online", "; ".join(out), why=WHY, remedy=remedy)
    if {one.is_canary for one in host.reached} != {True, False}:
        summary = "online" if host.ways else "not looked at"
        return _not_checked(summary, "; ".join((*host.ways, *host.unchecked)), REMEDY)
    if wrong := [str(one) for one in host.reached if not one.as_expected]:
        remedy = "see that controls answer, and that canaries are other hosts that would"
        return _not_checked("not proved", "; ".join(wrong), remedy)
    seen = "; ".join((*map(str, host.reached), *host.ways))
    return Finding(CHECK, Verdict.PASS, "blocked", seen)


def _not_checked(summary: str, evidence: str, remedy: str) -> Finding:
    return Finding(CHECK, Verdict.NOT_CHECKED, summary, evidence, why=WHY, remedy=remedy)
