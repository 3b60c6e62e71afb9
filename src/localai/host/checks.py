"""The questions about a host, by the names that a policy requires them by."""

from __future__ import annotations

CHECKS = (
    "host-listening",
    "host-connections",
    "host-tools",
    "host-switches",
    "host-folders",
    "host-account",
    "host-paths",
    "host-core-dumps",
    "host-swap",
    "host-tracing",
    "host-disk",
    "host-windows",
    "host-targets",
)
"""In the order in which they are answered; ``host-windows`` only inside Windows."""

HIDDEN = frozenset({"host-connections", "host-tools", "host-disk", "host-windows"})
"""What an ordinary account, a container or WSL often cannot see, with nothing wrong about it."""
