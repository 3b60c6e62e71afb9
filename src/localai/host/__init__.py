"""The host around localai: what it is connected to, what else runs on it, how it is set up."""

from localai.host.facts import HostFacts, is_wsl, read_host
from localai.host.names import AI_TOOLS, SYNC_CLIENTS
from localai.host.switches import TELEMETRY_SWITCHES, forced_switches

__all__ = [
    "AI_TOOLS",
    "SYNC_CLIENTS",
    "TELEMETRY_SWITCHES",
    "HostFacts",
    "forced_switches",
    "is_wsl",
    "read_host",
]
