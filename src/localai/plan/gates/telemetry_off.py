"""Gate telemetry-off: are the telemetry switches forced off in the worker's environment?

This claims no proof that nothing is sent: only the sandbox and the self-test do that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.host import TELEMETRY_SWITCHES

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "telemetry-off"


def telemetry_off(facts: Facts, policy: Policy) -> Finding:
    """Every switch must be found in the worker's environment; other programs are noted."""
    if facts.switches is None:
        return Finding(
            CHECK,
            Verdict.NOT_CHECKED,
            "not looked at",
            facts.unprobed or "the worker's environment was not read",
        )
    forced = [name for name in TELEMETRY_SWITCHES if name in facts.switches]
    missing = [name for name in TELEMETRY_SWITCHES if name not in facts.switches]
    if missing:
        return Finding(
            CHECK,
            Verdict.FAIL,
            "not off",
            f"not forced in the worker: {', '.join(missing)}",
            why="libraries that phone home must be told not to before they are loaded",
            remedy="this is a fault of localai: report it",
        )
    host = facts.host
    sync = f"sync client {', '.join(host.sync_clients)}" if host and host.sync_clients else ""
    tools = f"other AI tool {', '.join(host.ai_tools)}" if host and host.ai_tools else ""
    evidence = f"{len(forced)} switches forced, {sync or 'no sync client'}, "
    evidence += tools or "no other AI tool"
    verdict = Verdict.NOTE if sync or tools else Verdict.PASS
    return Finding(
        CHECK, verdict, "off", evidence, why=f"forced off in the worker: {', '.join(forced)}"
    )
